import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const DRIVER = join(dirname(fileURLToPath(import.meta.url)), 'driver.py')
/** Longer than the driver gives a case (60 s) and its cleaning up. */
const LIMIT_MS = 90_000

/** A line to a driver, a line from it. A driver that ended, or says nothing for too long, is started anew at the next line. */
export class DriverProcess {
  #child: ChildProcess | undefined
  #waiting: ((line: string | undefined) => void) | undefined
  #limit: NodeJS.Timeout | undefined

  /** undefined where there was no answer. One at a time. */
  ask(line: string): Promise<string | undefined> {
    const child = this.#child ?? this.#start()
    return new Promise((resolve) => {
      this.#waiting = resolve
      this.#limit = setTimeout(() => this.#end(child), LIMIT_MS)
      child.stdin?.write(`${line}\n`)
    })
  }

  close(): void {
    const child = this.#child
    this.#child = undefined
    child?.stdin?.end()
    child?.kill()
  }

  #start(): ChildProcess {
    const child = spawn('python3', ['-B', DRIVER], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.#answer(line))
    // A driver that dies with a plan half written: its end is answer enough.
    child.stdin?.on('error', () => this.#end(child))
    child.on('error', () => this.#end(child))
    child.on('exit', () => this.#end(child))
    return child
  }

  #end(child: ChildProcess): void {
    if (this.#child !== child) return
    this.#child = undefined
    child.kill('SIGKILL')
    this.#answer(undefined)
  }

  #answer(line: string | undefined): void {
    clearTimeout(this.#limit)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(line)
  }
}

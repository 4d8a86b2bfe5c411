#!/usr/bin/env node
import { hopscope } from './program.ts'

// A closed pipe (`hopscope trace … | head`) is the reader's choice, not an error.
process.stdout.on('error', (e: NodeJS.ErrnoException) => {
  if (e.code !== 'EPIPE') throw e
})
process.exitCode = await hopscope(process.argv.slice(2), {
  out: (text) => {
    process.stdout.write(text)
  },
  error: (text) => {
    process.stderr.write(text)
  },
})

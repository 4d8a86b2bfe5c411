import { Component, type ReactNode } from 'react'
import { useWords } from '../context.tsx'

interface Props {
  readonly children: ReactNode
  /** Another value gives the children another try: another step, another run. */
  readonly retry: unknown
}

/** A bug in one panel must not take the page with it: what it shows is lost, the others go on. */
export class Boundary extends Component<Props, { readonly error: unknown }> {
  override state = { error: undefined }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override componentDidUpdate(before: Props) {
    if (this.state.error !== undefined && before.retry !== this.props.retry) this.setState({ error: undefined })
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <Broken error={this.state.error} />
  }
}

function Broken({ error }: { readonly error: unknown }) {
  const words = useWords()
  return (
    <div className="empty" role="alert">
      <p>{words.app.crash}</p>
      <pre className="mono">{error instanceof Error ? error.message : String(error)}</pre>
    </div>
  )
}

import type { ReactNode } from 'react'
import { useApp, useWords } from '../context.tsx'
import { Split } from '../widgets/split.tsx'
import { Foot, Inspectors, NotesBanner, PacketPanel, ScenarioList, Why } from './parts.tsx'
import { StageArea } from './stage-area.tsx'

/** Three columns on a wide screen; on a tablet the scenarios are a drawer and the diagram keeps its room. */
export function Desktop({ narrow }: { readonly narrow: boolean }) {
  const words = useWords()
  const work = <Work narrow={narrow} />
  return (
    <main className="columns">
      {narrow ? (
        work
      ) : (
        <Split name="scenarios" label={words.header.scenarios} direction="row" fixed="first" size={248} min={170} rest={760}>
          <ScenarioList />
          {work}
        </Split>
      )}
    </main>
  )
}

function Work({ narrow }: { readonly narrow: boolean }): ReactNode {
  const words = useWords()
  const ready = useApp((s) => s.session !== undefined)
  return (
    <Split
      name={narrow ? 'tables-narrow' : 'tables'}
      label={words.stage.tables}
      direction="row"
      fixed="second"
      size={narrow ? 344 : 400}
      min={270}
      rest={380}
    >
      <Split name="foot" label={words.stage.timeline} direction="column" fixed="second" size={216} min={128} rest={220}>
        <section className="centre" id="stage" tabIndex={-1} aria-label={words.stage.label}>
          {ready ? (
            <>
              <StageArea />
              <div className="over-stage">
                <NotesBanner />
                <Why />
              </div>
            </>
          ) : null}
        </section>
        {ready ? <Foot /> : <div className="foot" />}
      </Split>
      <Split
        name={narrow ? 'packet-narrow' : 'packet'}
        label={words.stage.packet}
        direction="column"
        fixed="first"
        size={narrow ? 300 : 366}
        min={90}
        rest={140}
      >
        <div className="side">{ready ? <PacketPanel /> : null}</div>
        <div className="side">{ready ? <Inspectors /> : null}</div>
      </Split>
    </Split>
  )
}

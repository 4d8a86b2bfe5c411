// The words of the page's first frame. What comes after it is en-panels.ts; what a step did and why is explain/'s; names of tools
// and fields stay as they are.

export const en = {
  app: {
    crash: 'Hopscope itself failed. Please report this.',
    name: 'hopscope',
    skipToStage: 'Skip to the diagram',
    closeDialog: 'Close',
    cancel: 'Cancel',
    undo: 'Undo',
    redo: 'Redo',
    loading: 'Loading…',
    copy: 'Copy',
    copied: 'Copied',
    more: 'More',
  },
  header: {
    yours: 'Your cluster',
    scenarios: 'Scenarios',
    open: 'Open',
    editCluster: 'Edit cluster',
    shareLink: 'Share link',
    linkCopied: 'Link copied',
    linkNone: 'A cluster opened from node tables has no link',
    linkFailed: 'Copy the link from the address bar',
    palette: 'Command palette',
    language: 'Language',
    theme: 'Theme',
    themeDark: 'Dark theme',
    themeLight: 'Light theme',
    themeSystem: 'Theme of the system',
    edited: 'edited',
  },
  stage: {
    packetN: (n: number) => `Packet ${n}`,
    packet: 'Packet',
    timeline: 'Timeline',
    tables: 'Tables',
    label: 'Diagram of the cluster',
    diagram: 'Diagram',
    kernelMap: 'Kernel map',
    unfollow: 'Follow the run again',
    view: 'View',
  },
  progress: {
    parse: 'Reading the input',
    world: 'Building the world',
    run: 'Running',
    transfer: 'Receiving the trace',
    steps: (n: string) => `${n} steps`,
  },
  mobile: {
    label: 'Views',
    stage: 'Diagram',
    packet: 'Packet',
    tables: 'Tables',
    events: 'Events',
    scenarios: 'Scenarios',
  },
}

export type FirstWords = typeof en

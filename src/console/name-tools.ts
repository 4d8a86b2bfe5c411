import { type ConsoleCommand, failed } from './command.ts'

/** Programs that ask name servers: a question is a packet, and the console sends none. `cat /etc/resolv.conf` shows whom they would ask. */
export const nameTools: ConsoleCommand = {
  names: ['dig', 'nslookup', 'getent', 'host'],
  usage: 'dig, nslookup, getent: only as a command of the scenario',
  run: ({ name }) =>
    failed(`${name}: sends packets, and this console only reads the step that is shown: run it as a command of the scenario\n`),
}

import { parseArgs } from 'node:util';

export const USAGE = `Usage: headkeeper-test-server [options]

Runs a coordination server for tests, or an ensemble. Prints one line of JSON once it serves:
{"connectString":"127.0.0.1:20123","servers":[{"id":1,"host":"127.0.0.1","port":20123}],"pid":4711}
It ends with SIGTERM or SIGINT, and when its standard input does, if that is a pipe.

  --servers N  how many servers, 1 to 9 (default: 1)
  --port N     TCP port of the first server, the others have those behind it (default: any free ones)
  --dir PATH   folder to keep the data in (default: in memory)
  --help       show this
`;

/** What the command was asked to do. */
export interface Arguments {
  readonly servers: number;
  readonly port?: number;
  readonly dir?: string;
  readonly help: boolean;
}

/** Arguments that make no sense; the message names them. */
export class WrongArguments extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongArguments';
  }
}

/** @throws WrongArguments */
export function readArguments(args: readonly string[]): Arguments {
  const { servers, port, dir, help } = parsed(args);
  return {
    servers: servers === undefined ? 1 : count('--servers', servers),
    ...(port === undefined ? {} : { port: count('--port', port) }),
    ...(dir === undefined ? {} : { dir }),
    help: help === true,
  };
}

function parsed(args: readonly string[]): { servers?: string; port?: string; dir?: string; help?: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        servers: { type: 'string' },
        port: { type: 'string' },
        dir: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

function count(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new WrongArguments(`${name}: expected a number, not ${text}`);
  return Number(text);
}

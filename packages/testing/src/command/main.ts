import { fstatSync } from 'node:fs';
import { TestEnsemble } from '../test-ensemble.ts';
import { TestServer } from '../test-server.ts';
import { TestingError } from '../testing-error.ts';
import { type Arguments, readArguments, USAGE, WrongArguments } from './arguments.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const STDIN = 0;

interface Running {
  readonly connectString: string;
  readonly servers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  end(): Promise<void>;
}

/** The command `headkeeper-test-server`: runs until it is told to end. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const wanted = readArguments(args);
    if (wanted.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const ended = untilEnded();
    const running = await start(wanted);
    const { connectString, servers } = running;
    process.stdout.write(`${JSON.stringify({ connectString, servers, pid: process.pid })}\n`);
    await ended;
    await running.end();
    return 0;
  } catch (error) {
    if (!(error instanceof TestingError) && !(error instanceof WrongArguments)) throw error;
    process.stderr.write(`headkeeper-test-server: ${error.message}\n`);
    return error instanceof WrongArguments ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function start({ servers, port, dir }: Arguments): Promise<Running> {
  const options = { ...(port === undefined ? {} : { port }), ...(dir === undefined ? {} : { dir }) };
  if (servers === 1) {
    const server = await TestServer.start(options);
    const { connectString, host } = server;
    return {
      connectString,
      servers: [{ id: 1, host, port: server.port }],
      end: () => server[Symbol.asyncDispose](),
    };
  }
  const ensemble = await TestEnsemble.start(servers, options);
  return {
    connectString: ensemble.connectString,
    servers: ensemble.servers.map((member) => ({ id: member.id, host: member.host, port: member.port })),
    end: () => ensemble[Symbol.asyncDispose](),
  };
}

/** Resolves when the process is told to end. */
function untilEnded(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    // A pipe ends with the process that has started this one. What a terminal or /dev/null says means nothing.
    const input = fstatSync(STDIN);
    if (!input.isFIFO() && !input.isSocket()) return;
    process.stdin.once('end', () => resolve());
    process.stdin.once('error', () => resolve());
    process.stdin.resume();
  });
}

/**
 * A real server of the S3 protocol: VersityGW (Apache-2.0), which keeps objects as files of a folder. Built from the
 * source that s3-server/go.mod and go.sum pin.
 */

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '@headkeeper/testkit';
import { nameFor } from './client-programs.ts';
import { run } from './command.ts';
import { installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';
import { type LaunchedServer, launchServer } from './server-process.ts';

/** Builds the server and returns its path. */
export async function buildS3Server(): Promise<string> {
  await requireCommands([{ command: 'go', debianPackages: ['golang-go'] }]);
  const files = ['go.mod', 'go.sum'];
  const source = join(repositoryRoot, 'interop/peers/s3-server');
  const paths = files.map((file) => join(source, file));
  const folder = await installOnce(nameFor('s3-server', paths), async (fresh) => {
    for (const file of files) copyFileSync(join(source, file), join(fresh, file));
    const program = join(fresh, 'versitygw');
    await run(
      ['go', 'build', '-buildvcs=false', '-ldflags=-s -w', '-o', program, 'github.com/versity/versitygw/cmd/versitygw'],
      { cwd: fresh, env: { CGO_ENABLED: '0' } },
    );
  });
  return join(folder, 'versitygw');
}

/** A running S3 server; its objects outlive it. */
export interface S3Server {
  /** `http://127.0.0.1:PORT`, the same after a restart. */
  readonly endpoint: string;
  readonly bucket: string;
  /** The variables that a client of it needs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly running: boolean;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port with the same objects. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the server on a free port of 127.0.0.1 and waits until it answers.
 * @param folder Made when missing: one bucket `backups` is in it, and the server's log
 */
export async function startS3Server(folder: string): Promise<S3Server> {
  const program = await buildS3Server();
  const port = await freePort();
  const bucket = 'backups';
  const endpoint = `http://127.0.0.1:${port}`;
  const environment = { AWS_ACCESS_KEY_ID: 'interop', AWS_SECRET_ACCESS_KEY: 'interop-secret' };
  // A folder of the top level is a bucket; attributes go beside the objects, because not every disk has room for them.
  mkdirSync(join(folder, 'objects', bucket), { recursive: true });
  mkdirSync(join(folder, 'attributes'), { recursive: true });
  const launch = async (): Promise<LaunchedServer> => {
    const server = launchServer({
      name: 'VersityGW',
      argv: [
        program,
        ...['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive'],
        ...['posix', '--sidecar', join(folder, 'attributes'), join(folder, 'objects')],
      ],
      env: { ROOT_ACCESS_KEY: environment.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: environment.AWS_SECRET_ACCESS_KEY },
      cwd: folder,
      port,
      logFile: join(folder, 's3-server.log'),
    });
    const deadline = performance.now() + 30_000;
    while (!(await answers(endpoint))) {
      if (server.running && performance.now() < deadline) {
        await pause(10);
        continue;
      }
      await server.kill();
      throw new Error(`the S3 server does not answer\n${readFileSync(server.logFile, 'utf8').slice(-2000)}`);
    }
    return server;
  };
  let server = await launch();
  return {
    endpoint,
    bucket,
    environment,
    get running() {
      return server.running;
    },
    kill: () => server.kill(),
    start: async () => {
      server = await launch();
    },
    stop: async () => {
      await server.stop();
    },
  };
}

/** Whether anything speaks HTTP there; a refusal without credentials is as good as any answer. */
function answers(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(endpoint, { timeout: 1000, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

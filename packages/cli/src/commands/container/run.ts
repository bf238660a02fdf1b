import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { runServer } from '../server/run.ts';
import { containerFiles, containerFolders } from './configuration.ts';

/**
 * Runs a server in a container: writes `zoo.cfg` and `myid` from the environment, each only if it is not there, then serves.
 *
 * @throws CommandError when a file cannot be written, or the server cannot start.
 */
export async function runContainer(): Promise<void> {
  const { conf, data } = containerFolders(process.env);
  const config = path.join(conf, 'zoo.cfg');
  const myid = path.join(data, 'myid');
  try {
    if (!existsSync(config) || !existsSync(myid)) {
      const files = containerFiles(process.env, hostname());
      writeOnce(config, files.config);
      writeOnce(myid, files.myid);
    }
  } catch (error) {
    throw new CommandError(`the container cannot be configured: ${(error as Error).message}`, ExitCode.usage);
  }
  await runServer([config], []);
}

function writeOnce(file: string, text: string): void {
  if (existsSync(file)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Judges of descriptions: openapi-spec-validator and jsonschema, in a virtual environment of their own. */

import { join } from 'node:path';
import { run } from './command.ts';
import { installDebianPackages, installOnce, requireCommands } from './peer-cache.ts';

const packages = ['openapi-spec-validator==0.9.0', 'jsonschema==4.26.0'];

/** Installs them if need be; returns the interpreter that has them. */
export async function installSchemaJudges(): Promise<string> {
  await requireCommands([{ command: 'python3', debianPackages: ['python3-venv'] }]);
  const folder = await installOnce('schema-judges-0.9.0-4.26.0', async (fresh) => {
    const venv = join(fresh, 'venv');
    await run(['python3', '-m', 'venv', venv]).catch(async () => {
      // Debian's python3 comes without the part that fills a virtual environment.
      await installDebianPackages(['python3-venv']);
      await run(['python3', '-m', 'venv', '--clear', venv]);
    });
    await run([
      join(venv, 'bin/python'),
      '-m',
      'pip',
      '--quiet',
      '--disable-pip-version-check',
      'install',
      ...packages,
    ]);
  });
  return join(folder, 'venv/bin/python');
}

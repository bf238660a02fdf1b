/** JLine, without which Apache's command line shows no prompt. */

import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';

const version = '3.25.1';
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Installs it if need be and returns the jar's path, for the class path. */
export async function installJline(): Promise<string> {
  await requireCommands([{ command: 'mvn', debianPackages: ['maven'] }]);
  const folder = await installOnce(`jline-${version}`, async (fresh) => {
    copyFileSync(join(repositoryRoot, 'interop/peers/jline.pom.xml'), join(fresh, 'pom.xml'));
    const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${join(fresh, 'jars')}`];
    await run(['mvn', '-B', '-q', copyDependencies, ...settings], { cwd: fresh });
    if (!readdirSync(join(fresh, 'jars')).includes(`jline-${version}.jar`)) throw new Error('Maven brought no JLine');
  });
  return join(folder, 'jars', `jline-${version}.jar`);
}

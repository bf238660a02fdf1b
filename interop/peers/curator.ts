/** Apache Curator, the Java recipes: its jars through Maven, and our program that takes part through them, compiled. */

import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nameFor } from './client-programs.ts';
import { run } from './command.ts';
import { installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';

export const curatorVersion = '5.7.1';

const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Installs the jars if need be, compiles the program if it has changed, and returns the class path of both. */
export async function installCurator(): Promise<string> {
  await requireCommands([
    { command: 'javac', debianPackages: ['openjdk-17-jdk-headless'] },
    { command: 'mvn', debianPackages: ['maven'] },
  ]);
  const pom = join(repositoryRoot, 'interop/peers/curator.pom.xml');
  const folder = await installOnce(nameFor(`curator-${curatorVersion}`, [pom]), async (fresh) => {
    copyFileSync(pom, join(fresh, 'pom.xml'));
    const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${join(fresh, 'jars')}`];
    await run(['mvn', '-B', '-q', copyDependencies, ...settings], { cwd: fresh });
    const jars = readdirSync(join(fresh, 'jars'));
    for (const part of ['recipes', 'x-discovery']) {
      if (!jars.includes(`curator-${part}-${curatorVersion}.jar`)) throw new Error(`Maven brought no curator-${part}`);
    }
  });
  const jars = `${join(folder, 'jars')}/*`;
  const sources = ['RecipesWorker', 'Services'].map((name) => {
    return join(repositoryRoot, `interop/recipes/workers/${name}.java`);
  });
  const program = await installOnce(nameFor('curator-worker', [pom, ...sources]), async (fresh) => {
    mkdirSync(join(fresh, 'classes'));
    await run(['javac', '-proc:none', '-cp', jars, '-d', join(fresh, 'classes'), ...sources]);
  });
  return `${join(program, 'classes')}:${jars}`;
}

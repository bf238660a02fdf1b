/** What Apache ZooKeeper's AdminServer needs beside the server itself: Jetty and Jackson, of the versions that 3.9.5 is built with. */

import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { installOnce, repositoryRoot } from './peer-cache.ts';

const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Installs the jars if need be and returns their part of a Java class path. */
export async function installApacheAdmin(): Promise<string> {
  const folder = await installOnce('apache-admin-jetty-9.4.58', async (fresh) => {
    copyFileSync(join(repositoryRoot, 'interop/peers/apache-admin.pom.xml'), join(fresh, 'pom.xml'));
    const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${join(fresh, 'jars')}`];
    await run(['mvn', '-B', '-q', copyDependencies, ...settings], { cwd: fresh });
    const jars = readdirSync(join(fresh, 'jars'));
    if (!jars.some((jar) => jar.startsWith('jetty-servlet-'))) throw new Error('Maven brought no jetty-servlet');
  });
  return `${join(folder, 'jars')}/*`;
}

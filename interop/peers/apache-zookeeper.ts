/**
 * Apache ZooKeeper as a peer: its jars through Maven, a standalone server from them.
 *
 * 3.9.5 is the newest 3.9 whose parent pom is published along with the jar; 3.8.6 the same of 3.8.
 */

import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@headkeeper/testkit';
import { installApacheAdmin } from './apache-admin.ts';
import { run } from './command.ts';
import { installOnce, repositoryRoot, requireCommands } from './peer-cache.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

export type ApacheVersion = '3.9.5' | '3.8.6' | '3.7.2' | '3.6.4' | '3.5.10';

/** The version that everything is compared with, unless a test names another one. */
export const apacheVersion: ApacheVersion = '3.9.5';

const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Log lines go to standard output, which the starter sends into a file. INFO is what the distribution ships. */
const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} [%t] %-5p %c - %m%n</pattern></encoder>
  </appender>
  <root level="\${zookeeper.log.threshold:-INFO}"><appender-ref ref="OUT"/></root>
</configuration>
`;

/** Installs the jars if need be and returns the Java class path (a folder with the log settings, then the jars). */
export async function installApacheZooKeeper(version: ApacheVersion = apacheVersion): Promise<string> {
  await requireCommands([
    { command: 'javac', debianPackages: ['openjdk-17-jdk-headless'] },
    { command: 'mvn', debianPackages: ['maven'] },
  ]);
  const folder = await installOnce(`apache-zookeeper-${version}`, async (fresh) => {
    copyFileSync(join(repositoryRoot, 'interop/peers/apache-zookeeper.pom.xml'), join(fresh, 'pom.xml'));
    const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${join(fresh, 'jars')}`];
    await run(['mvn', '-B', '-q', `-Dzookeeper.version=${version}`, copyDependencies, ...settings], { cwd: fresh });
    const jars = readdirSync(join(fresh, 'jars'));
    for (const needed of [`zookeeper-${version}.jar`, `zookeeper-jute-${version}.jar`]) {
      if (!jars.includes(needed)) throw new Error(`Maven brought no ${needed}`);
    }
    mkdirSync(join(fresh, 'conf'));
    writeFileSync(join(fresh, 'conf', 'logback.xml'), logback);
  });
  return `${join(folder, 'conf')}:${join(folder, 'jars')}/*`;
}

export interface ApacheOptions {
  /** Client port on 127.0.0.1; a free one when not given. */
  readonly port?: number;
  /** Snapshots and transaction logs; created when missing. zoo.cfg and the server's log are put beside it. */
  readonly dataDir: string;
  readonly version?: ApacheVersion;
  /** Java system properties, such as `zookeeper.extendedTypesEnabled`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Java heap, as in -Xmx; 512m when not given. */
  readonly heap?: string;
  /** Lines added to zoo.cfg; they replace the defaults of the same key. */
  readonly extraConfig?: Readonly<Record<string, string>>;
  readonly startTimeoutMs?: number;
  /** Port of its AdminServer on 127.0.0.1; without it there is none. */
  readonly adminPort?: number;
}

/** Writes a zoo.cfg beside the data folder and returns its path. */
export function writeZooCfg(dataDir: string, port: number, extra: Readonly<Record<string, string>>): string {
  mkdirSync(dataDir, { recursive: true });
  const settings: Record<string, string> = {
    tickTime: '2000',
    dataDir,
    clientPort: String(port),
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: '0',
    'admin.enableServer': 'false',
    '4lw.commands.whitelist': '*',
    ...extra,
  };
  const file = `${dataDir}.cfg`;
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Settings of an admin server, Apache's or Headkeeper's, on 127.0.0.1. */
export function adminSettings(port: number): Readonly<Record<string, string>> {
  return { 'admin.enableServer': 'true', 'admin.serverPort': String(port), 'admin.serverAddress': '127.0.0.1' };
}

/** Starts a standalone Apache server and waits until it answers `srvr`. */
export async function startApacheZooKeeper(options: ApacheOptions): Promise<ServerProcess> {
  const version = options.version ?? apacheVersion;
  const { adminPort } = options;
  const server = await installApacheZooKeeper(version);
  const classpath = adminPort === undefined ? server : `${server}:${await installApacheAdmin()}`;
  const port = options.port ?? (await freePort());
  const admin = adminPort === undefined ? {} : adminSettings(adminPort);
  const config = writeZooCfg(options.dataDir, port, { ...admin, ...options.extraConfig });
  const properties = Object.entries(options.properties ?? {}).map(([key, value]) => `-D${key}=${value}`);
  const heap = options.heap ?? '512m';
  return startServerProcess({
    name: `Apache ZooKeeper ${version}`,
    argv: [
      'java',
      `-Xmx${heap}`,
      '-Dzookeeper.jmx.log4j.disable=true',
      ...properties,
      '-cp',
      classpath,
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      config,
    ],
    port,
    logFile: `${options.dataDir}.log`,
    ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
  });
}

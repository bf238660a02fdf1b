import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseServerConfig, ServerExit } from '@headkeeper/server';
import { parse, parseAllDocuments } from 'yaml';
import { containerFiles } from '../src/commands/container/configuration.ts';
import { ExitCode } from '../src/exit-codes.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const deploy = (file: string): string => readFileSync(`${root}deploy/${file}`, 'utf8');

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

interface Compose {
  readonly services: Readonly<Record<string, { readonly environment: Readonly<Record<string, string>> }>>;
}

describe('the files in deploy/', () => {
  it('make an ensemble in Kubernetes whose members know themselves and each other', () => {
    const text = deploy('kubernetes/headkeeper.yaml');
    const resources = parseAllDocuments(text).map((document) => document.toJS() as Resource);
    const set = resources.find(({ kind }) => kind === 'StatefulSet')?.spec;
    const container = set?.template?.spec.containers[0] as Container;
    assert.deepEqual(container.args, ['container']);
    const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    for (let ordinal = 0; ordinal < (set?.replicas ?? 0); ordinal++) {
      const { config, myid } = containerFiles(env, `headkeeper-${ordinal}`);
      const parsed = parseServerConfig(config, { file: '/conf/zoo.cfg', readFile: () => myid });
      assert.deepEqual(parsed.warnings, []);
      assert.equal(parsed.ensemble?.sid, ordinal + 1);
      assert.equal(parsed.ensemble?.membership.members.size, set?.replicas);
      assert.match(config, new RegExp(`^server\\.${myid.trim()}=headkeeper-${ordinal}\\.${set?.serviceName}:`, 'm'));
      assert.deepEqual([parsed.clientPort, parsed.adminServerPort ?? 8080], [ports.client, ports.admin]);
      assert.ok(parsed.adminEnabled && parsed.adminServerAddress === '0.0.0.0', 'probes reach it');
      assert.ok(!parsed.adminSnapshotEnabled && !parsed.adminRestoreEnabled, 'nobody writes through it');
    }
    assert.ok(resources.some(({ kind, metadata }) => kind === 'Service' && metadata.name === set?.serviceName));
    assert.deepEqual(container.livenessProbe.httpGet, { path: '/livez', port: 'admin' });
    assert.deepEqual(container.readinessProbe.httpGet, { path: '/readyz', port: 'admin' });
  });

  it('make an ensemble with compose', () => {
    const { services } = parse(deploy('docker/compose.yaml'), { merge: true }) as Compose;
    const ids = Object.values(services).map(({ environment }) => {
      const { config, myid } = containerFiles(environment, 'host');
      const parsed = parseServerConfig(config, { file: '/conf/zoo.cfg', readFile: () => myid });
      assert.deepEqual(parsed.warnings, []);
      return parsed.ensemble?.sid;
    });
    assert.deepEqual(ids, [1, 2, 3]);
  });

  it('and the samples in conf/ can be served, without a warning', () => {
    const samples = readdirSync(`${root}conf`).filter((name) => name.endsWith('.cfg'));
    assert.ok(samples.length >= 2);
    for (const name of samples) {
      const text = readFileSync(`${root}conf/${name}`, 'utf8');
      const config = parseServerConfig(text, { file: name, readFile: () => '1' });
      assert.deepEqual(config.warnings, [], name);
      assert.ok(config.purgeIntervalMs > 0, `${name} purges`);
    }
  });

  it('do not start a server again where that changes nothing', () => {
    const codes = /^RestartPreventExitStatus=(.*)$/m.exec(deploy('systemd/headkeeper.service'))?.[1];
    assert.equal(codes, [ExitCode.usage, ServerExit.dataDirectory, ServerExit.disk].join(' '));
  });
});

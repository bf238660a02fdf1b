import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DumpedSetting, dumpConfig } from '../../src/config/dump.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import { SETTINGS } from '../../src/config/schema.ts';

const SUPER = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';

function dump(text: string): Map<string, DumpedSetting> {
  const config = parseServerConfig(text, {
    file: '/etc/zoo.cfg',
    properties: [
      { name: 'zookeeper.snapCount', value: '7', origin: 'JVMFLAGS', overridesFile: false },
      { name: 'maxCnxns', value: '9', origin: '-D', overridesFile: true },
    ],
    readFile: () => '1',
  });
  return new Map(dumpConfig(config).map((setting) => [setting.key, setting]));
}

describe('the dump of a configuration', () => {
  const lines = dump(
    [
      'dataDir=/data',
      'clientPort=2181',
      'zookeeper.tickTime=500',
      'preAllocSize=100',
      'autopurge.snapRetainCount=1',
      'skipACL=YES',
      'autopurge.purgeInterval=90s',
      'backup.target=/backup',
      'backup.keep.days=3',
      'initLimit=10',
      'syncLimit=5',
      `DigestAuthenticationProvider.superDigest=${SUPER}`,
      'ssl.quorum.keyStore.password=hidden-word',
      'server.1=a:1:2',
      'server.2=b:1:2',
    ].join('\n'),
  );
  const shown = (key: string): [string | undefined, string | undefined] => [
    lines.get(key)?.value,
    lines.get(key)?.origin,
  ];

  it('says where every value comes from', () => {
    assert.deepEqual(shown('tickTime'), ['500', '/etc/zoo.cfg:3']);
    assert.deepEqual(shown('snapCount'), ['7', 'JVMFLAGS']);
    assert.deepEqual(shown('maxCnxns'), ['9', '-D']);
    assert.deepEqual(shown('server.2'), ['b:1:2', '/etc/zoo.cfg:15']);
    assert.deepEqual(shown('maxSessionTimeout'), ['10000', 'default']);
    for (const { key } of Object.values(SETTINGS)) assert.ok(lines.has(key), key);
  });

  it('shows values as the file would have them: in its units, and what they were raised to', () => {
    assert.deepEqual(shown('preAllocSize'), ['100', '/etc/zoo.cfg:4']);
    assert.deepEqual(shown('autopurge.snapRetainCount'), ['3', '/etc/zoo.cfg:5']);
    assert.deepEqual(shown('skipACL'), ['yes', '/etc/zoo.cfg:6']);
    assert.deepEqual(shown('autopurge.purgeInterval'), ['90s', '/etc/zoo.cfg:7']);
    assert.deepEqual(shown('clientPortAddress'), ['', 'default']);
    assert.deepEqual(shown('4lw.commands.whitelist'), ['srvr', 'default']);
    for (const { key, value } of lines.values()) assert.doesNotMatch(value, /\[object|undefined|null/, key);
  });

  it('shows no secret', () => {
    assert.deepEqual(shown('DigestAuthenticationProvider.superDigest'), ['***', '/etc/zoo.cfg:12']);
    assert.deepEqual(shown('ssl.quorum.keyStore.password'), ['***', '/etc/zoo.cfg:13']);
    assert.doesNotMatch(JSON.stringify([...lines.values()]), /hidden-word|xQJmx/);
  });

  it('can be read back', () => {
    const text = [...lines.values()]
      .filter(({ value }) => value !== '' && value !== '***' && value !== 'default')
      .map(({ key, value }) => `${key}=${value}`)
      .join('\n');
    const again = dump(text);
    for (const [key, { value }] of lines) if (value !== '***') assert.equal(again.get(key)?.value, value, key);
  });
});

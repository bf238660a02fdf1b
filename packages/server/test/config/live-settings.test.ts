import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { LiveSettings } from '../../src/config/live-settings.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';

function config(...lines: string[]): ServerConfig {
  const text = ['dataDir=/data', 'clientPort=2181', ...lines].join('\n');
  return parseServerConfig(text, { file: 'zoo.cfg', readFile: () => '1' });
}

describe('settings of a running server', () => {
  it('change where somebody follows them, and wait for a restart where nobody does', () => {
    const live = new LiveSettings(config('maxCnxns=5', 'preAllocSize=64'));
    const heard: number[] = [];
    const also: number[] = [];
    live.follow(['maxCnxns', 'maxClientCnxns'], (next) => heard.push(next.maxCnxns, next.maxClientCnxns));
    live.follow(['snapCount', 'maxCnxns']);
    live.follow(['maxCnxns'], ({ maxCnxns }) => also.push(maxCnxns));
    const next = config('maxCnxns=7', 'maxClientCnxns=9', 'preAllocSize=128', 'snapCount=11');
    const report = live.reload(() => next);
    assert.deepEqual(report, {
      problems: [],
      applied: [
        { key: 'maxClientCnxns', from: '60', to: '9' },
        { key: 'maxCnxns', from: '5', to: '7' },
        { key: 'snapCount', from: '100000', to: '11' },
      ],
      needsRestart: [{ key: 'preAllocSize', from: '64', to: '128' }],
      readAnew: [],
    });
    assert.deepEqual(heard, [7, 9], 'once, with all that has changed');
    assert.deepEqual(also, [7], 'everybody who follows');
    assert.equal(live.current.snapCount, 11);
    assert.equal(live.current.preAllocBytes, 64 * 1024, 'what needs a restart is not in force');
    assert.deepEqual(live.current.given.get('maxCnxns'), { text: '7', where: 'zoo.cfg:3' });
    // What waits for a restart is named again, what has been applied is not.
    assert.deepEqual(live.reload(() => next).applied, []);
    assert.equal(live.reload(() => next).needsRestart.length, 1);
    assert.deepEqual(heard.length, 2);
    // A line that is gone brings the default back.
    assert.deepEqual(live.reload(() => config('maxCnxns=7', 'preAllocSize=64', 'snapCount=11')).applied, [
      { key: 'maxClientCnxns', from: '9', to: '60' },
    ]);
  });

  it('stay as they are when the configuration is bad', () => {
    const live = new LiveSettings(config('maxCnxns=5'));
    live.follow(['maxCnxns'], () => assert.fail('nothing has changed'));
    const report = live.reload(() => config('maxCnxns=7', 'tickTime=soon'));
    assert.deepEqual(report.applied, []);
    assert.match(report.problems[0] as string, /^zoo\.cfg:4: tickTime=soon: expected /);
    assert.equal(live.current.maxCnxns, 5);
  });

  it('stay as they are when something beside the file is bad, and are read anew when it is good', () => {
    const live = new LiveSettings(config('maxCnxns=5'));
    live.follow(['maxCnxns']);
    const order: string[] = [];
    let isBad = true;
    live.readAnew('certificates', (next) => {
      if (isBad) throw new ConfigError(['the key store is damaged']);
      assert.equal(next.maxCnxns, 7);
      order.push('prepared');
      return () => order.push('in force');
    });
    assert.deepEqual(live.reload(() => config('maxCnxns=7')).problems, ['the key store is damaged']);
    assert.equal(live.current.maxCnxns, 5);
    isBad = false;
    const { readAnew, applied } = live.reload(() => config('maxCnxns=7'));
    assert.deepEqual([readAnew, applied.length, order], [['certificates'], 1, ['prepared', 'in force']]);
  });

  it('with a default that follows from another do not follow one that is not in force', () => {
    const live = new LiveSettings(config('tickTime=1000'));
    live.follow(['maxSessionTimeoutMs']);
    const report = live.reload(() => config('tickTime=2000'));
    assert.deepEqual(report.applied, []);
    assert.deepEqual(
      report.needsRestart.map(({ key }) => key),
      ['tickTime', 'minSessionTimeout', 'maxSessionTimeout'],
    );
    assert.equal(live.current.maxSessionTimeoutMs, 20_000);
  });

  it('show no secrets', () => {
    const secret = (word: string): string => `DigestAuthenticationProvider.superDigest=super:${word}`;
    const live = new LiveSettings(config(secret('b25l')));
    live.follow(['superDigest']);
    const report = live.reload(() => config(secret('dHdv')));
    assert.deepEqual(report.applied, [{ key: 'DigestAuthenticationProvider.superDigest', from: '***', to: '***' }]);
  });

  it('name members that have changed, unless the file follows reconfigurations', () => {
    const members = ['initLimit=10', 'syncLimit=5', 'server.1=a:1:2', 'server.2=b:1:2'];
    const more = [...members, 'server.3=c:1:2'];
    const live = new LiveSettings(config(...members));
    const [change] = live.reload(() => config(...more)).needsRestart;
    assert.equal(change?.key, 'server.N');
    assert.match(change?.to ?? '', /server\.3=c:1:2/);
    const reconfigured = new LiveSettings(config('reconfigEnabled=true', ...members));
    assert.deepEqual(reconfigured.reload(() => config('reconfigEnabled=true', ...more)).needsRestart, []);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import type { EnsembleConfig } from '../../src/config/members.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import { toCoreSettings, toEnsembleSettings } from '../../src/config/server-config.ts';
import type { SystemProperty } from '../../src/config/system-properties.ts';

const BASE = 'dataDir=/data\nclientPort=2181\ninitLimit=10\nsyncLimit=5\n';
const THREE = 'server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n';

type Files = Readonly<Record<string, string>>;

function parse(text: string, files: Files = { '/data/myid': '2\n' }, properties: SystemProperty[] = []): ServerConfig {
  return parseServerConfig(text, { file: '/etc/zoo.cfg', properties, readFile: (path) => files[path] ?? null });
}

function ensembleOf(text: string, files?: Files): EnsembleConfig {
  const { ensemble } = parse(text, files);
  assert.ok(ensemble !== null);
  return ensemble;
}

function problemsOf(text: string, files?: Files): readonly string[] {
  try {
    parse(text, files);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  assert.fail(`accepted: ${text}`);
}

describe('server lines in the configuration', () => {
  it('make an ensemble, whose server is the one that myid names', () => {
    const config = parse(BASE + THREE);
    const { ensemble } = config;
    assert.equal(ensemble?.sid, 2);
    assert.equal(ensemble?.membership.version, 0);
    assert.equal(ensemble?.lastSeen, ensemble?.membership);
    assert.equal(ensemble?.observer, false);
    assert.equal(ensemble?.dynamicConfigFile, null);
    assert.deepEqual([...(ensemble?.membership.voters ?? [])], [1, 2, 3]);
    assert.deepEqual(config.warnings, []);
    assert.ok(Object.isFrozen(ensemble));
  });

  it('may stand in the environment and on the command line', () => {
    const properties = [1, 2, 3].map((sid) => {
      return { name: `server.${sid}`, value: `h${sid}:2888:3888`, origin: '-D', overridesFile: true };
    });
    assert.equal(parse(BASE, undefined, properties).ensemble?.membership.voters.size, 3);
    const moved = parse(BASE + THREE, undefined, properties.slice(0, 1));
    assert.equal(moved.ensemble?.membership.members.get(1)?.endpoints[0]?.host, 'h1');
  });

  it('take blanks around a myid, and nothing but a number', () => {
    assert.equal(ensembleOf(BASE + THREE, { '/data/myid': ' 3 \r\nsecond line' }).sid, 3);
    for (const text of ['', 'two', '1.5', '-1', '0x1']) {
      const [problem] = problemsOf(BASE + THREE, { '/data/myid': text });
      assert.match(problem as string, /^\/data\/myid: ".*": expected a file with the number N/);
    }
    assert.match(
      problemsOf(BASE + THREE, {})[0] as string,
      /^\/data\/myid: missing: expected a file with the number N/,
    );
  });

  it('refuse a server that is not listed', () => {
    assert.match(
      problemsOf(BASE + THREE, { '/data/myid': '4' })[0] as string,
      /^\/data\/myid: 4: expected one of 1, 2, 3, which \/etc\/zoo\.cfg:5 .*lists itself, too\)$/,
    );
  });

  it('hold groups and weights', () => {
    const groups = 'group.1=1:2\ngroup.2=3\nweight.1=2\n';
    assert.equal(ensembleOf(BASE + THREE + groups).membership.weightOf(1), 2);
    assert.match(
      problemsOf(`${BASE}${THREE}group.1=1:2`)[0] as string,
      /^\/etc\/zoo\.cfg:7: server\.3.*: expected every/,
    );
    assert.match(
      problemsOf(`${BASE}${THREE}group.1=1:2:3:9`)[0] as string,
      /^\/etc\/zoo\.cfg:8: group\.1=1:2:3:9: expected/,
    );
    assert.match(problemsOf(`${BASE}${THREE}weight.1=x`)[0] as string, /^\/etc\/zoo\.cfg:8: weight\.1=x: expected/);
  });
});

describe('server lines that are wrong', () => {
  const cases: [lines: string, problem: RegExp][] = [
    ['server.1=a\nserver.2=b:2888:3888', /^\/etc\/zoo\.cfg:5: server\.1=a: expected the form host:quorumPort/],
    ['server.1=a:2888\nserver.2=b:2888:3888', /^\/etc\/zoo\.cfg:5: server\.1=a:2888: expected the form/],
    ['server.1=a:2888:2888\nserver.2=b:2888:3888', /zoo\.cfg:5: .*expected two different ports/],
    ['server.1=a:1:99999\nserver.2=b:2888:3888', /zoo\.cfg:5: .*expected a number from 1 to 65535 as election port/],
    ['server.one=a:1:2\nserver.2=b:2888:3888', /zoo\.cfg:5: server\.one=.*expected server\.N/],
    ['server.1=a:1:2:leader\nserver.2=b:2888:3888', /zoo\.cfg:5: .*expected the role participant or observer/],
    [`${THREE}server.1=z:1:2`, /^\/etc\/zoo\.cfg:8: server\.1: stands twice, already at \/etc\/zoo\.cfg:5$/],
    [
      `${THREE}server.4=c:2888:3999`,
      /zoo\.cfg:8: server\.4: expected an address of its own, c:2888 is taken by server\.3$/,
    ],
    ['server.1=a:1:2:observer\nserver.2=b:1:2:observer', /expected at least one server\.N that is a participant/],
    ['server.1=a:1:2\nserver.2=b:1:2:observer', /expected no observers beside a single participant/],
  ];
  for (const [lines, problem] of cases) {
    it(`are refused: ${lines.split('\n').join(' ')}`, () => {
      const problems = problemsOf(BASE + lines);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] as string, problem);
    });
  }

  it('are only warned of when the number of participants is a bad one', () => {
    const four = `${THREE}server.4=d:2888:3888`;
    assert.match(parse(BASE + four).warnings.join(), /4 participants survive no more failures than 3 would/);
    const two = 'server.1=a:2888:3888\nserver.2=b:2888:3888';
    assert.match(parse(BASE + two).warnings.join(), /with two participants the failure of either stops the service/);
    assert.deepEqual(parse(`${BASE}${THREE}server.4=d:2888:3888:observer`).warnings, []);
  });
});

describe('a single server', () => {
  const line = 'server.2=a:2888:3888;2192\n';

  it('stays standalone, and its line may hold the client port', () => {
    const config = parse(`dataDir=/data\n${line}`, {});
    assert.equal(config.ensemble, null);
    assert.equal(config.clientPort, 2192);
    assert.equal(config.clientPortAddress, null);
    assert.deepEqual(config.warnings, ['/etc/zoo.cfg:2: server.2 is the only server: running standalone']);
    assert.match(problemsOf('dataDir=/data\nserver.1=a:2888:3888')[0] as string, /clientPort is not set/);
  });

  it('is an ensemble of one when standaloneEnabled=false', () => {
    const config = parse(`dataDir=/data\ninitLimit=1\nsyncLimit=1\nstandaloneEnabled=false\n${line}`);
    assert.equal(config.ensemble?.membership.members.size, 1);
    assert.equal(config.ensemble?.sid, 2);
  });
});

describe("the client port in a server's own line", () => {
  const lines = 'server.1=a:2888:3888;2181\nserver.2=b:2888:3888;10.0.0.2:2182\nserver.3=c:2888:3888;2183';
  const limits = 'dataDir=/data\ninitLimit=10\nsyncLimit=5\n';

  it('counts, with the address', () => {
    const config = parse(limits + lines);
    assert.equal(config.clientPort, 2182);
    assert.equal(config.clientPortAddress, '10.0.0.2');
    assert.equal(parse(limits + lines, { '/data/myid': '1' }).clientPortAddress, null);
  });

  it('must not differ from the one given beside it', () => {
    assert.equal(parse(`clientPort=2182\n${limits}${lines}`).clientPort, 2182);
    assert.deepEqual(problemsOf(`clientPort=2181\n${limits}${lines}`), [
      "/etc/zoo.cfg:1: clientPort=2181: expected 2182, as in the server's own line (/etc/zoo.cfg:6)",
    ]);
  });
});

describe('the role', () => {
  const lines = `${THREE}server.4=d:2888:3888:observer\n`;

  it('is the one of the line, whatever peerType says', () => {
    assert.equal(ensembleOf(BASE + lines, { '/data/myid': '4' }).observer, true);
    const config = parse(`${BASE}${lines}peerType=observer`);
    assert.equal(config.ensemble?.observer, false);
    assert.deepEqual(config.warnings, [
      '/etc/zoo.cfg:9: peerType=observer has no effect: server.2 says that it is a participant',
    ]);
    assert.deepEqual(parse(`${BASE}${lines}peerType=observer`, { '/data/myid': '4' }).warnings, []);
  });
});

describe('a file of members', () => {
  const text = `${BASE}reconfigEnabled=true\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000003\n`;
  const files = { '/data/myid': '2', '/etc/zoo.cfg.dynamic.100000003': THREE };

  it('holds what the configuration does not, and its name ends in the version', () => {
    const ensemble = ensembleOf(text, files);
    assert.equal(ensemble.membership.version, 0x100000003);
    assert.equal(ensemble.membership.voters.size, 3);
    assert.equal(ensemble.dynamicConfigFile, '/etc/zoo.cfg.dynamic.100000003');
    const unnumbered = text.replace('.100000003', '');
    assert.equal(ensembleOf(unnumbered, { '/data/myid': '2', '/etc/zoo.cfg.dynamic': THREE }).membership.version, 0);
  });

  it('has a newer membership beside it while a reconfiguration is under way', () => {
    const next = `${THREE}server.4=d:2888:3888\nversion=100000007`;
    const { membership, lastSeen } = ensembleOf(text, { ...files, '/etc/zoo.cfg.dynamic.next': next });
    assert.equal(membership.voters.size, 3);
    assert.equal(lastSeen.voters.size, 4);
    assert.equal(lastSeen.version, 0x100000007);
    const joining = ensembleOf(text, { ...files, '/data/myid': '4', '/etc/zoo.cfg.dynamic.next': next });
    assert.equal(joining.observer, false);
    const stale = next.replace('100000007', '100000002');
    assert.equal(ensembleOf(text, { ...files, '/etc/zoo.cfg.dynamic.next': stale }).lastSeen.voters.size, 3);
  });

  it('is refused when it is missing, wrong, has a version inside, or stands beside server lines', () => {
    assert.match(
      problemsOf(text, { '/data/myid': '2' })[0] as string,
      /zoo\.cfg:6: dynamicConfigFile=.*expected a file/,
    );
    const wrong = { ...files, '/etc/zoo.cfg.dynamic.100000003': `# members\n\n${THREE}server.x=1` };
    assert.match(problemsOf(text, wrong)[0] as string, /^\/etc\/zoo\.cfg\.dynamic\.100000003:6: server\.x=1: expected/);
    const versioned = { ...files, '/etc/zoo.cfg.dynamic.100000003': `${THREE}version=1` };
    assert.match(problemsOf(text, versioned)[0] as string, /dynamic\.100000003:4: version: not expected/);
    assert.match(
      problemsOf(text + THREE, files)[0] as string,
      /zoo\.cfg:7: server\.1, server\.2, server\.3: expected in \/etc\/zoo\.cfg\.dynamic/,
    );
    const next = { ...files, '/etc/zoo.cfg.dynamic.next': 'server.1=a' };
    assert.match(problemsOf(text, next)[0] as string, /^\/etc\/zoo\.cfg\.dynamic\.next:1: server\.1=a: expected/);
  });
});

describe('what an ensemble needs beyond its members', () => {
  const cases: [setting: string, problem: RegExp, myid?: string][] = [
    [
      'multiAddress.enabled=false\nserver.4=d:1:2|e:1:2',
      /zoo\.cfg:8: multiAddress\.enabled=false: expected true, since server\.4/,
    ],
    ['oraclePath=/oracle', /zoo\.cfg:8: oraclePath: expected two participants, found 3/],
    ['fastleader.maxNotificationInterval=100', /by default: fastleader\.minNotificationInterval=200: expected at most/],
    ['quorum.auth.learnerRequireSasl=true', /zoo\.cfg:8: .*expected quorum\.auth\.enableSasl=true/],
    ['quorum.auth.enableSasl=true', /zoo\.cfg:8: .*expected java\.security\.auth\.login\.config/],
    [
      'sslQuorum=true\nssl.quorum.trustStore.location=/x',
      /zoo\.cfg:8: sslQuorum=true: expected ssl\.quorum\.keyStore\.location/,
    ],
    ['extendedTypesEnabled=true\nserver.255=z:2888:3888', /expected a server id up to 254, myid says 255/, '255'],
  ];
  for (const [setting, problem, myid = '2'] of cases) {
    it(`is missed: ${setting.replaceAll('\n', ' ')}`, () => {
      const problems = problemsOf(`${BASE}${THREE}${setting}`, { '/data/myid': myid });
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] as string, problem);
    });
  }

  it('includes both limits', () => {
    const problems = problemsOf(`dataDir=/data\nclientPort=1\n${THREE}`);
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[1]?.trim().split(' ')[0]),
      ['initLimit', 'syncLimit'],
    );
  });

  it('is not asked of a standalone server', () => {
    assert.deepEqual(parse('dataDir=/data\nclientPort=1\nquorum.auth.learnerRequireSasl=true', {}).warnings, []);
  });

  it('never shows a password', () => {
    const { warnings } = parse(
      `${BASE}${THREE}ssl.quorum.keyStore.password=first\nssl.quorum.keyStore.password=second`,
    );
    assert.equal(warnings.length, 1);
    assert.doesNotMatch(warnings.join(), /first|second/);
  });
});

describe('settings for the core', () => {
  it('carry every value over, and are frozen', () => {
    const text = `${BASE}${THREE}tickTime=100\nleaderServes=no\ncommitLogCount=9\nmaxTimeToWaitForEpoch=7`;
    const settings = toEnsembleSettings(parse(text));
    assert.ok(settings !== null && Object.isFrozen(settings));
    assert.equal(settings.sid, 2);
    assert.equal(settings.tickTimeMs, 100);
    assert.equal(settings.initLimitTicks, 10);
    assert.equal(settings.connectLimitTicks, 10);
    assert.equal(settings.leaderServes, false);
    assert.equal(settings.commitLogCount, 500);
    assert.equal(settings.maxTimeToWaitForEpochMs, 7);
    assert.equal(settings.singleVoterAllowed, false);
    assert.ok(Object.values(settings).every((value) => value !== undefined));
    const core = toCoreSettings(parse(text), {
      hashSeed: 1,
      sessionPasswordKey: new Uint8Array(16),
      defaultSessionPassword: 'keyed',
    });
    assert.equal(core.serverId, 2);
  });

  it('are none for a standalone server', () => {
    assert.equal(toEnsembleSettings(parse('dataDir=/data\nclientPort=1', {})), null);
  });
});

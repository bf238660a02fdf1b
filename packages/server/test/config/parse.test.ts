import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { knownElsewhere, knownNames } from '../../src/config/known-keys.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import { type ConfigValues, SETTINGS, type ServerConfig } from '../../src/config/schema.ts';
import { defaultServerConfig, toCoreSettings } from '../../src/config/server-config.ts';
import type { SystemProperty } from '../../src/config/system-properties.ts';
import { BAD_ADMIN_VALUES, GOOD_ADMIN_VALUES } from './admin-values.ts';
import { BAD_AUDIT_VALUES, GOOD_AUDIT_VALUES } from './audit-values.ts';
import { AUTH_COMPANIONS, BAD_AUTH_VALUES, GOOD_AUTH_VALUES } from './auth-values.ts';
import { BAD_BACKUP_VALUES, GOOD_BACKUP_VALUES } from './backup-values.ts';
import { BAD_CLIENT_TLS_VALUES, GOOD_CLIENT_TLS_VALUES } from './client-tls-values.ts';
import { BAD_ENSEMBLE_VALUES, GOOD_ENSEMBLE_VALUES, NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';
import { BAD_INSIGHT_VALUES, GOOD_INSIGHT_VALUES } from './insight-values.ts';
import { BAD_LIMITS_VALUES, GOOD_LIMITS_VALUES } from './limits-values.ts';
import { BAD_METRICS_VALUES, GOOD_METRICS_VALUES } from './metrics-values.ts';
import { BAD_STORAGE_VALUES, GOOD_STORAGE_VALUES } from './storage-values.ts';

const MINIMAL = 'dataDir=/data\nclientPort=2181\n';

function parse(text: string, properties: SystemProperty[] = []): ServerConfig {
  return parseServerConfig(text, { file: 'zoo.cfg', properties });
}

function problemsOf(text: string, properties: SystemProperty[] = []): readonly string[] {
  try {
    parse(text, properties);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.message, error.problems.join('\n'));
    return error.problems;
  }
  assert.fail(`accepted: ${text}`);
}

const environment = (name: string, value: string): SystemProperty => {
  return { name, value, origin: 'JVMFLAGS', overridesFile: false };
};
const option = (name: string, value: string): SystemProperty => {
  return { name, value, origin: '-D', overridesFile: true };
};

describe('a configuration with the least in it', () => {
  const config = parse(MINIMAL);

  it('has the defaults of Apache ZooKeeper 3.9', () => {
    const expected: Partial<ConfigValues> = {
      dataDir: '/data',
      dataLogDir: '/data',
      clientPort: 2181,
      clientPortAddress: null,
      clientPortListenBacklog: -1,
      tickTimeMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      maxClientCnxns: 60,
      maxCnxns: 0,
      juteMaxBuffer: 1_048_575,
      juteMaxBufferExtra: 1_048_575,
      snapCount: 100_000,
      snapSizeLimitBytes: 4 * 1024 ** 3,
      preAllocBytes: 64 * 1024 ** 2,
      purgeSnapRetainCount: 3,
      purgeIntervalMs: 0,
      globalOutstandingLimit: 16_000,
      containerCheckIntervalMs: 60_000,
      containerMaxPerMinute: 10_000,
      extendedTypesEnabled: false,
      digestEnabled: true,
      skipAcl: false,
      superDigest: null,
      digestAlgorithm: 'SHA1',
      fourLetterWords: ['srvr'],
      sessionPasswordIssue: 'default',
      sessionPasswordAccept: 'default',
      logLevel: 'info',
    };
    assert.deepEqual({ ...config, ...expected }, { ...config });
  });

  it('is frozen, names its file and warns of nothing', () => {
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.fourLetterWords) && Object.isFrozen(config.warnings));
    assert.equal(config.file, 'zoo.cfg');
    assert.deepEqual(config.warnings, []);
  });
});

/** For every setting: a text that differs from the default, and what it must become. */
const GOOD: { readonly [Name in keyof ConfigValues]: [string, ConfigValues[Name]] } = {
  dataDir: ['/elsewhere', '/elsewhere'],
  dataLogDir: ['/logs', '/logs'],
  clientPort: ['0', 0],
  clientPortAddress: ['::1', '::1'],
  clientPortListenBacklog: ['128', 128],
  clientTcpKeepAlive: ['TRUE', true],
  maxClientCnxns: ['-1', -1],
  maxCnxns: ['5000', 5000],
  tickTimeMs: ['500', 500],
  minSessionTimeoutMs: ['1', 1],
  maxSessionTimeoutMs: ['100000', 100_000],
  sessionlessConnectionTimeoutMs: ['1', 1],
  sessionPasswordIssue: ['keyed', 'keyed'],
  sessionPasswordAccept: ['apache, keyed', ['apache', 'keyed']],
  ...GOOD_ENSEMBLE_VALUES,
  ...GOOD_ADMIN_VALUES,
  ...GOOD_AUTH_VALUES,
  ...GOOD_AUDIT_VALUES,
  ...GOOD_INSIGHT_VALUES,
  ...GOOD_METRICS_VALUES,
  ...GOOD_BACKUP_VALUES,
  ...GOOD_STORAGE_VALUES,
  ...GOOD_CLIENT_TLS_VALUES,
  juteMaxBuffer: ['0x400000', 4_194_304],
  juteMaxBufferExtra: ['2048', 2048],
  ...GOOD_LIMITS_VALUES,
  snapCount: ['2', 2],
  snapSizeLimitBytes: ['-1', -1024],
  preAllocBytes: ['100', 102_400],
  purgeSnapRetainCount: ['+10', 10],
  purgeIntervalMs: ['24', 86_400_000],
  flushDelayMs: ['3', 3],
  maxBatchSize: ['1', 1],
  digestEnabled: ['false', false],
  serializeLastProcessedZxid: ['false', false],
  snapshotTrustEmpty: ['true', true],
  dataDirAutocreate: ['false', false],
  dbAutocreate: ['false', false],
  extendedTypesEnabled: ['true', true],
  emulate353TTLNodes: ['true', true],
  containerCheckIntervalMs: ['10', 10],
  containerMaxPerMinute: ['1', 1],
  containerMaxNeverUsedIntervalMs: ['300000', 300_000],
  enforceQuota: ['true', true],
  skipAcl: ['yes', true],
  superDigest: ['super:xQJmxLMiHGwaqBvst5y6rkB6HQs=', 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='],
  digestAlgorithm: ['SHA3-256', 'SHA3-256'],
  fourLetterWords: ['ruok, stat,ruok', ['srvr', 'ruok', 'stat']],
  configWatch: ['true', true],
  logLevel: ['debug', 'debug'],
};

/** For every setting: texts that must be refused. */
const BAD: { readonly [Name in keyof ConfigValues]: readonly string[] } = {
  dataDir: [''],
  dataLogDir: [''],
  clientPort: [...NOT_A_NUMBER, '-2', '65536'],
  clientPortAddress: ['', 'two words', '10.0.0.0/8'],
  clientPortListenBacklog: [...NOT_A_NUMBER, '-2'],
  clientTcpKeepAlive: NOT_A_SWITCH,
  maxClientCnxns: [...NOT_A_NUMBER, '2147483648'],
  maxCnxns: NOT_A_NUMBER,
  tickTimeMs: [...NOT_A_NUMBER, '0', '-1'],
  minSessionTimeoutMs: [...NOT_A_NUMBER, '-2', '60001'],
  maxSessionTimeoutMs: [...NOT_A_NUMBER, '-2'],
  sessionlessConnectionTimeoutMs: [...NOT_A_NUMBER, '0'],
  sessionPasswordIssue: ['', 'none', 'apache,keyed'],
  sessionPasswordAccept: ['', 'none', 'apache,'],
  ...BAD_ENSEMBLE_VALUES,
  ...BAD_ADMIN_VALUES,
  ...BAD_AUTH_VALUES,
  ...BAD_AUDIT_VALUES,
  ...BAD_INSIGHT_VALUES,
  ...BAD_METRICS_VALUES,
  ...BAD_BACKUP_VALUES,
  ...BAD_STORAGE_VALUES,
  ...BAD_CLIENT_TLS_VALUES,
  juteMaxBuffer: [...NOT_A_NUMBER, '127', '0xffffffff', '4m'],
  juteMaxBufferExtra: [...NOT_A_NUMBER, '-1'],
  ...BAD_LIMITS_VALUES,
  snapCount: NOT_A_NUMBER,
  snapSizeLimitBytes: NOT_A_NUMBER,
  preAllocBytes: [...NOT_A_NUMBER, '64M'],
  purgeSnapRetainCount: NOT_A_NUMBER,
  purgeIntervalMs: ['', 'x', '1.5', '1w', 'h'],
  flushDelayMs: [...NOT_A_NUMBER, '-1'],
  maxBatchSize: [...NOT_A_NUMBER, '0'],
  digestEnabled: NOT_A_SWITCH,
  serializeLastProcessedZxid: NOT_A_SWITCH,
  snapshotTrustEmpty: NOT_A_SWITCH,
  dataDirAutocreate: NOT_A_SWITCH,
  dbAutocreate: NOT_A_SWITCH,
  extendedTypesEnabled: NOT_A_SWITCH,
  emulate353TTLNodes: NOT_A_SWITCH,
  containerCheckIntervalMs: [...NOT_A_NUMBER, '0'],
  containerMaxPerMinute: [...NOT_A_NUMBER, '0'],
  containerMaxNeverUsedIntervalMs: [...NOT_A_NUMBER, '-1'],
  enforceQuota: NOT_A_SWITCH,
  skipAcl: [...NOT_A_SWITCH, 'true', 'false'],
  superDigest: ['', 'super', 'super:', ':abc', 'super:a b', 'super:secret!'],
  digestAlgorithm: ['', 'sha', 'CRC32'],
  fourLetterWords: ['stat,nope', 'STAT'],
  configWatch: NOT_A_SWITCH,
  logLevel: ['', 'WARN', 'verbose'],
};

/** The base configuration without the key, and with what lets a value of the key stand alone. */
function textWith(key: string, assignment: string): string {
  const rest = MINIMAL.split('\n').filter((line) => !line.startsWith(`${key}=`));
  if (key.startsWith('backup.') && key !== SETTINGS.backupTarget.key) rest.push('backup.target=s3://zoo-backups');
  rest.push(...(COMPANIONS[key] ?? []));
  rest.push(...(AUTH_COMPANIONS.get(key) ?? []));
  if (key === SETTINGS.adminUseForwardedFor.key) rest.push('admin.trustedProxies=10.0.0.1');
  return [...rest, assignment].join('\n');
}

const STORES = ['ssl.keyStore.location=/keys/own.pem', 'ssl.trustStore.location=/keys/others.pem'];
/** What must stand beside a key. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  secureClientPort: STORES,
  'client.portUnification': STORES,
  'ssl.crl': ['ssl.crl.location=/keys/revoked.pem'],
  'ssl.crl.location': ['ssl.crl=true'],
  'ssl.x509.clientCertIdType': ['ssl.x509.clientCertIdSanMatchType=2'],
};

describe('every setting', () => {
  for (const name of Object.keys(SETTINGS) as (keyof ConfigValues)[]) {
    const { key } = SETTINGS[name];
    const [good, expected] = GOOD[name];

    it(`${key} is read in all its spellings`, () => {
      const base = textWith(key, '');
      const given: [string, ServerConfig][] = [
        ['plain in the file', parse(textWith(key, `${key}=${good}`))],
        ['with a prefix in the file', parse(textWith(key, `zookeeper.${key} : ${good}  `))],
        ['in the environment', parse(base, [environment(`zookeeper.${key}`, good)])],
        ['without a prefix in the environment', parse(base, [environment(key, good)])],
        ['on the command line', parse(base, [option(`zookeeper.${key}`, good)])],
      ];
      for (const [where, config] of given) {
        assert.deepEqual(config[name], expected, where);
        const warnings = SETTINGS[name].pending ? [/ is known, has no effect yet$/] : [];
        assert.equal(config.warnings.length, warnings.length, where);
        for (const warning of warnings) assert.match(config.warnings[0] as string, warning);
      }
    });

    it(`${key} is read under the other names that Apache gives it`, () => {
      for (const alias of SETTINGS[name].aliases ?? []) {
        assert.deepEqual(parse(textWith(key, `${alias}=${good}`))[name], expected, alias);
        assert.deepEqual(parse(textWith(key, ''), [environment(`zookeeper.${alias}`, good)])[name], expected, alias);
      }
    });

    it(`${key} is refused when wrong, with file, line, key and what is expected`, () => {
      for (const bad of BAD[name]) {
        const [problem, ...more] = problemsOf(`# a comment\n${key}=${bad}\n${textWith(key, '')}`);
        assert.deepEqual(more, [], bad);
        assert.ok(problem?.startsWith(`zoo.cfg:2: ${key}=`), problem);
        assert.match(problem as string, /: expected \S+/);
      }
    });

    it(`${key} is documented`, () => {
      assert.match(SETTINGS[name].doc, /\.$/);
    });
  }
});

describe('what Apache corrects or reads its own way', () => {
  it('raises what is too small, with a warning', () => {
    const config = parse(`${MINIMAL}autopurge.snapRetainCount=1\nsnapCount=-5\njute.maxbuffer.extrasize=7`);
    assert.equal(config.purgeSnapRetainCount, 3);
    assert.equal(config.snapCount, 2);
    assert.equal(config.juteMaxBufferExtra, 1024);
    assert.equal(config.warnings.length, 3);
    assert.ok(config.warnings.includes('zoo.cfg:3: autopurge.snapRetainCount=1 is raised to 3'));
  });

  it('takes -1 as the default of a session timeout', () => {
    const config = parse(`${MINIMAL}tickTime=10\nminSessionTimeout=-1\nmaxSessionTimeout=-1`);
    assert.equal(config.minSessionTimeoutMs, 20);
    assert.equal(config.maxSessionTimeoutMs, 200);
  });

  it('takes units of purgeInterval, and nothing below zero', () => {
    const read = (text: string): number => parse(`${MINIMAL}autopurge.purgeInterval=${text}`).purgeIntervalMs;
    assert.deepEqual(
      ['250ms', '90s', '5m', '2h', '1d', '-1'].map(read),
      [250, 90_000, 300_000, 7_200_000, 86_400_000, 0],
    );
  });

  it('opens all four-letter words with *', () => {
    const { fourLetterWords } = parse(`${MINIMAL}4lw.commands.whitelist=ruok, *`);
    assert.ok(fourLetterWords.includes('wchc') && fourLetterWords.includes('srvr'));
  });

  it('opens isro with read-only mode', () => {
    assert.deepEqual(parse(`${MINIMAL}readonlymode.enabled=true`).fourLetterWords, ['srvr', 'isro']);
    const both = parse(`${MINIMAL}readonlymode.enabled=true\n4lw.commands.whitelist=isro,stat`);
    assert.deepEqual(both.fourLetterWords, ['srvr', 'isro', 'stat']);
  });
});

describe('precedence', () => {
  it('lets the file win over the environment, the command line over both, and the later line over the earlier', () => {
    const config = parse(`${MINIMAL}tickTime=20\nzookeeper.tickTime=30\nsnapCount=7\nmaxCnxns=9`, [
      environment('zookeeper.tickTime', '10'),
      environment('zookeeper.snapCount', '6'),
      environment('zookeeper.maxCnxns', '9'),
      option('tickTime', '40'),
    ]);
    assert.equal(config.tickTimeMs, 40);
    assert.equal(config.snapCount, 7);
    assert.deepEqual(config.warnings, [
      'zoo.cfg:3: tickTime=20 takes the place of 10 from JVMFLAGS',
      'zoo.cfg:4: tickTime=30 takes the place of 20 from zoo.cfg:3',
      'zoo.cfg:5: snapCount=7 takes the place of 6 from JVMFLAGS',
    ]);
  });

  it('judges only the value that counts', () => {
    assert.equal(parse(`${MINIMAL}tickTime=50`, [environment('zookeeper.tickTime', 'x')]).tickTimeMs, 50);
  });

  it('names where a wrong property came from', () => {
    assert.match(
      problemsOf(MINIMAL, [environment('jute.maxbuffer', '4m')])[0] as string,
      /^JVMFLAGS: jute\.maxbuffer=4m: expected /,
    );
  });
});

describe('keys that are no settings', () => {
  it('are none', () => {
    const settings = new Set(Object.values(SETTINGS).flatMap(({ key, aliases }) => [key, ...(aliases ?? [])]));
    assert.deepEqual(
      knownNames().filter((name) => settings.has(name)),
      [],
    );
  });

  const warning = (line: string): string => {
    const { warnings } = parse(MINIMAL + line);
    assert.equal(warnings.length, 1, warnings.join('\n'));
    return warnings[0] as string;
  };

  it('names the nearest key of an unknown one', () => {
    assert.equal(
      warning('maxClientCnxn=3'),
      'zoo.cfg:3: maxClientCnxn is unknown and ignored; did you mean maxClientCnxns?',
    );
    assert.match(warning('autopurge.snapRetainCnt=3'), /did you mean autopurge\.snapRetainCount\?/);
    assert.match(warning('TICKTIME=3'), /did you mean tickTime\?/);
    assert.equal(warning('colour=blue'), 'zoo.cfg:3: colour is unknown and ignored');
  });

  it("knows Apache's others, and says whether they are still to come", () => {
    for (const key of knownNames()) {
      const known = knownElsewhere(key);
      const effect = known?.kind === 'needless' ? `: ${known.why}` : ' yet';
      assert.equal(warning(`${key}=1`), `zoo.cfg:3: ${key} is known, has no effect${effect}`);
    }
    assert.match(warning('commitProcessor.numWorkerThreads=4'), /is known, has no effect: one event loop /);
  });

  it("passes over the Java machine's own properties in the environment, not over zookeeper's", () => {
    const { warnings } = parse(MINIMAL, [
      environment('com.sun.management.jmxremote', ''),
      environment('zookeeper.tikTime', '1'),
    ]);
    assert.deepEqual(warnings, ['JVMFLAGS: tikTime is unknown and ignored; did you mean tickTime?']);
  });
});

describe('what is wrong as a whole', () => {
  it('is reported all at once', () => {
    const problems = problemsOf('tickTime=0\nenforceQuota=maybe');
    assert.equal(problems.length, 4);
    assert.ok(problems.some((problem) => problem.startsWith('zoo.cfg: dataDir is not set')));
    assert.ok(problems.some((problem) => problem.startsWith('zoo.cfg: clientPort is not set')));
  });

  it('includes timeouts that cross, and passwords issued but not accepted', () => {
    assert.deepEqual(problemsOf(`${MINIMAL}minSessionTimeout=9\nmaxSessionTimeout=8`), [
      'zoo.cfg:3: minSessionTimeout=9: expected at most maxSessionTimeout, which is 8 (zoo.cfg:4)',
    ]);
    assert.match(
      problemsOf(`${MINIMAL}sessionPassword.issue=keyed\nsessionPassword.accept=apache`)[0] as string,
      /^zoo\.cfg:4: sessionPassword\.accept=apache: expected keyed among them/,
    );
  });

  it('includes text that is no properties file', () => {
    assert.deepEqual(problemsOf('\\u12=3').slice(0, 1), [
      'zoo.cfg: line 1: \\u needs four hexadecimal digits after it',
    ]);
  });

  it('does not include a relative data directory, which is only warned of', () => {
    assert.match(parse('dataDir=data\nclientPort=1').warnings[0] as string, /^zoo\.cfg:1: dataDir=data is relative/);
  });
});

describe('the default configuration', () => {
  it('serves the loopback address alone and answers what only reads', () => {
    const config = defaultServerConfig('./data', [option('clientPort', '0')]);
    assert.equal(config.clientPortAddress, '127.0.0.1');
    assert.equal(config.clientPort, 0);
    assert.equal(config.tickTimeMs, 2000);
    assert.equal(config.dataDir, './data');
    assert.equal(config.file, null);
    assert.deepEqual(config.warnings, []);
    assert.ok(config.fourLetterWords.includes('mntr') && !config.fourLetterWords.includes('srst'));
  });
});

describe('core settings', () => {
  const start = { hashSeed: 7, sessionPasswordKey: new Uint8Array(16), defaultSessionPassword: 'keyed' } as const;

  it('carry every value over', () => {
    const settings = toCoreSettings(parse(`${MINIMAL}tickTime=100\nskipACL=yes\nsnapSizeLimitInKb=1`), start);
    assert.equal(settings.tickTimeMs, 100);
    assert.equal(settings.maxSessionTimeoutMs, 2000);
    assert.equal(settings.skipAcl, true);
    assert.equal(settings.snapSizeLimitBytes, 1024);
    assert.equal(settings.hashSeed, 7);
    assert.equal(settings.serverId, 1);
    assert.ok(Object.values(settings).every((value) => value !== undefined));
  });

  it('resolve the default session password, and accept what is issued', () => {
    const settings = toCoreSettings(parse(MINIMAL), start);
    assert.equal(settings.sessionPasswordIssue, 'keyed');
    assert.deepEqual(settings.sessionPasswordAccept, ['keyed']);
    const chosen = toCoreSettings(
      parse(`${MINIMAL}sessionPassword.issue=apache\nsessionPassword.accept=keyed,apache`),
      start,
    );
    assert.equal(chosen.sessionPasswordIssue, 'apache');
    assert.deepEqual(chosen.sessionPasswordAccept, ['keyed', 'apache']);
  });
});

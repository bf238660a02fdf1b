import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';
import { peerAuthenticator } from '../../src/services/peer-authentication.ts';

const JAAS = `
QuorumServer { org.apache.zookeeper.server.auth.DigestLoginModule required user_zk="secret"; };
QuorumLearner { org.apache.zookeeper.server.auth.DigestLoginModule required username="zk" password="secret"; };
`;

function diskWith(text: string): SimDisk {
  const disk = new SimDisk(1);
  const bytes = new TextEncoder().encode(text);
  const file = disk.createSync('/jaas.conf');
  file.writeSync(bytes, 0, bytes.length, 0);
  file.closeSync();
  return disk;
}

function configWith(text: string): ServerConfig {
  const base = 'dataDir=/data\nclientPort=1\ninitLimit=5\nsyncLimit=2\nserver.1=a:1:2\nserver.2=b:1:2\n';
  return parseServerConfig(`${base}${text}`, { file: '/zoo.cfg', readFile: () => '1' });
}

describe('authentication between servers', () => {
  const enabled = 'quorum.auth.enableSasl=true\njava.security.auth.login.config=/jaas.conf\n';

  it('is off unless it is enabled', () => {
    assert.equal(peerAuthenticator(configWith(''), diskWith(JAAS)), null);
  });

  it('asks of both sides what the configuration requires', () => {
    const accepting = peerAuthenticator(configWith(enabled), diskWith(JAAS));
    assert.equal(accepting?.opener(), null);
    assert.equal(accepting?.acceptor()?.passesSilent, true);
    const strict = 'quorum.auth.learnerRequireSasl=true\nquorum.auth.serverRequireSasl=true';
    const requiring = peerAuthenticator(configWith(enabled + strict), diskWith(JAAS));
    assert.notEqual(requiring?.opener(), null);
    assert.equal(requiring?.acceptor()?.passesSilent, false);
  });

  it('needs a file with its sections', () => {
    const refusal = (config: ServerConfig, disk: SimDisk): string => {
      try {
        peerAuthenticator(config, disk);
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.message;
      }
      assert.fail('accepted');
    };
    assert.match(refusal(configWith(enabled), new SimDisk(1)), /^\/jaas\.conf: expected a JAAS file, there is none$/);
    assert.match(
      refusal(configWith(enabled), diskWith('')),
      /^\/jaas\.conf: the JAAS file has no section QuorumServer$/,
    );
    const named = `${enabled}quorum.auth.server.saslLoginContext=Other`;
    assert.match(refusal(configWith(named), diskWith(JAAS)), /no section Other$/);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JaasError, learnerCredentials, parseJaas, serverUsers } from '../../src/adapters/sasl/jaas-file.ts';

const FILE = `
/* who may
   connect */
QuorumServer {
  org.apache.zookeeper.server.auth.DigestLoginModule required   // the servers
  user_test="te\\"st"
  user_second='pa ss;}';
};
# the other side
QuorumLearner {
       org.apache.zookeeper.server.auth.DigestLoginModule required
       username="test"
       password="te\\"st";
};
Kerberos { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab="/etc//kt"; };
`;

test('names and passwords come from the sections of their side', () => {
  const sections = parseJaas(FILE);
  assert.deepEqual(
    [...serverUsers(sections, 'QuorumServer')],
    [
      ['test', 'te"st'],
      ['second', 'pa ss;}'],
    ],
  );
  assert.deepEqual(learnerCredentials(sections, 'QuorumLearner'), { user: 'test', password: 'te"st' });
});

test('what is missing or not supported is named', () => {
  const sections = parseJaas(FILE);
  assert.throws(() => serverUsers(sections, 'Server'), /no section Server/);
  assert.throws(() => serverUsers(sections, 'QuorumLearner'), /QuorumLearner lists no user_NAME/);
  assert.throws(() => learnerCredentials(sections, 'QuorumServer'), /QuorumServer needs username/);
  assert.throws(() => learnerCredentials(sections, 'Kerberos'), /Krb5LoginModule; only .*DigestLoginModule/);
});

test('a file that is cut off anywhere is refused, or holds whole sections only', () => {
  for (let end = 0; end < FILE.length; end++) {
    let sections: ReturnType<typeof parseJaas>;
    try {
      sections = parseJaas(FILE.slice(0, end));
    } catch (error) {
      assert.ok(error instanceof JaasError, String(error));
      assert.doesNotMatch(error.message, /te"st|pa ss/);
      continue;
    }
    for (const [name, section] of sections) assert.ok(section.options.size >= 2, name);
  }
});

import type { AuthValues } from './auth-values.ts';
import type { ConfigValues } from './config-values.ts';
import { flag, type Setting, text, WRONG } from './setting.ts';

/** The rows of the settings by which clients prove who they are (feature inventory, section A.9). */
export const AUTH_SETTINGS: { readonly [Name in keyof AuthValues]: Setting<AuthValues[Name], ConfigValues> } = {
  saslUsersFile: text<string | null, ConfigValues>({
    key: 'sasl.usersFile',
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc:
      'Ours. File of the users who can log in by SASL (DIGEST-MD5): one user:password a line, # for comments. It is read ' +
      'again when it changes. Beside the users of the JAAS file, before which it counts.',
  }),
  saslServerSection: text<string | null, ConfigValues>({
    key: 'sasl.serverconfig',
    default: () => null,
    expected: 'the name of a section',
    pattern: /^[\w.-]+$/,
    doc: 'Section of the JAAS file (java.security.auth.login.config) with the users who can log in by SASL. By default Server.',
  }),
  saslSuperPassword: {
    key: 'SASLAuthenticationProvider.superPassword',
    unit: '',
    default: () => null,
    expected: 'a password',
    read: (value) => (value === '' ? WRONG : value),
    secret: true,
    doc: 'Password of the SASL user super, who is let in by every access control list entry of scheme sasl.',
  },
  allowSaslFailedClients: flag(
    'allowSaslFailedClients',
    false,
    'Whether a client whose SASL login has failed keeps its connection, without an identity.',
  ),
  digestScheme: flag('DigestAuthenticationProvider.enabled', true, 'Whether identities of scheme digest exist.'),
  ensembleNames: names(
    'ensembleAuthName',
    'Names of this ensemble: a client that gives another one (scheme ensemble) is sent away, to find its own. ' +
      'By default every name will do.',
  ),
  sessionRequiresSasl: flag(
    'sessionRequireClientSASLAuth',
    false,
    'Whether only clients are served that have logged in by SASL: enforce.auth.enabled with the scheme sasl.',
  ),
  enforceAuth: flag(
    'enforce.auth.enabled',
    false,
    'Whether only clients are served that have an identity of one of enforce.auth.schemes.',
  ),
  enforcedSchemes: names('enforce.auth.schemes', 'Schemes for enforce.auth.enabled, separated by commas.'),
  eagerAclCheck: flag(
    'enableEagerACLCheck',
    false,
    'Whether a server of an ensemble refuses by itself a write that access control lists forbid, which costs no transaction.',
  ),
  kerberosNameRules: text<string, ConfigValues>({
    key: 'security.auth_to_local',
    default: 'DEFAULT',
    expected: 'rules such as DEFAULT or RULE:[2:$1]',
    pattern: /\S/,
    doc: 'Rules, separated by blanks, by which the principals of clients with tickets of Kerberos become short names.',
  }),
  kerberosRemovesHost: flag(
    'kerberos.removeHostFromPrincipal',
    false,
    'Whether the host of such a principal is left out of the name that access control lists use.',
  ),
  kerberosRemovesRealm: flag(
    'kerberos.removeRealmFromPrincipal',
    false,
    'Whether the realm of such a principal is left out of that name.',
  ),
};

function names(key: string, doc: string): Setting<readonly string[], ConfigValues> {
  return {
    key,
    unit: '',
    default: Object.freeze<string[]>([]),
    expected: 'names separated by commas',
    read: (value) => {
      const list = value.split(',').map((name) => name.trim());
      return Object.freeze(list.filter((name, i) => name !== '' && list.indexOf(name) === i));
    },
    doc,
  };
}

import type { AuthValues } from '../../src/config/auth-values.ts';
import { NOT_A_SWITCH } from './ensemble-values.ts';

/** For every setting of authentication: a text that differs from the default, and what it must become. */
export const GOOD_AUTH_VALUES: { readonly [Name in keyof AuthValues]: [string, AuthValues[Name]] } = {
  saslUsersFile: ['/etc/zookeeper/users', '/etc/zookeeper/users'],
  saslServerSection: ['Clients', 'Clients'],
  saslSuperPassword: ['very secret', 'very secret'],
  allowSaslFailedClients: ['true', true],
  digestScheme: ['false', false],
  ensembleNames: ['blue, green,,blue', ['blue', 'green']],
  sessionRequiresSasl: ['true', true],
  enforceAuth: ['true', true],
  enforcedSchemes: ['digest,ip', ['digest', 'ip']],
  eagerAclCheck: ['true', true],
  kerberosNameRules: ['RULE:[1:$1]', 'RULE:[1:$1]'],
  kerberosRemovesHost: ['true', true],
  kerberosRemovesRealm: ['true', true],
};

/** For every setting of authentication: texts that must be refused. */
export const BAD_AUTH_VALUES: { readonly [Name in keyof AuthValues]: readonly string[] } = {
  saslUsersFile: [''],
  saslServerSection: ['', 'two words'],
  saslSuperPassword: [''],
  allowSaslFailedClients: NOT_A_SWITCH,
  digestScheme: NOT_A_SWITCH,
  ensembleNames: [],
  sessionRequiresSasl: NOT_A_SWITCH,
  enforceAuth: NOT_A_SWITCH,
  enforcedSchemes: [],
  eagerAclCheck: NOT_A_SWITCH,
  kerberosNameRules: [''],
  kerberosRemovesHost: NOT_A_SWITCH,
  kerberosRemovesRealm: NOT_A_SWITCH,
};

/** By key: lines without which it means nothing. */
export const AUTH_COMPANIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['sasl.serverconfig', ['java.security.auth.login.config=/etc/jaas.conf']],
  ['SASLAuthenticationProvider.superPassword', ['sasl.usersFile=/etc/users']],
  ['sessionRequireClientSASLAuth', ['sasl.usersFile=/etc/users']],
  ['enforce.auth.enabled', ['enforce.auth.schemes=digest']],
  ['enforce.auth.schemes', ['enforce.auth.enabled=true']],
]);

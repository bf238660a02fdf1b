/** What a configuration says of how clients prove who they are. */
export interface AuthValues {
  /** A file of users and passwords, one a line. */
  readonly saslUsersFile: string | null;
  /** Section of the JAAS file with the users; null: `Server`, if there is one. */
  readonly saslServerSection: string | null;
  /** Password of the SASL user `super`. */
  readonly saslSuperPassword: string | null;
  readonly allowSaslFailedClients: boolean;
  /** Whether identities of scheme digest exist. */
  readonly digestScheme: boolean;
  /** Names that clients of scheme `ensemble` may give. */
  readonly ensembleNames: readonly string[];
  readonly sessionRequiresSasl: boolean;
  readonly enforceAuth: boolean;
  readonly enforcedSchemes: readonly string[];
  readonly eagerAclCheck: boolean;
  /** Rules by which principals of Kerberos get their names. */
  readonly kerberosNameRules: string;
  readonly kerberosRemovesHost: boolean;
  readonly kerberosRemovesRealm: boolean;
}

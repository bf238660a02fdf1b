import type { TlsFamilyValues } from './tls-values.ts';

/** How servers of an ensemble prove to each other who they are. */
export interface QuorumSecurityValues extends TlsFamilyValues<'quorum'> {
  readonly sslQuorum: boolean;
  readonly portUnification: boolean;
  readonly sslQuorumReloadCertFiles: boolean;
  readonly quorumSasl: boolean;
  readonly quorumLearnerRequiresSasl: boolean;
  readonly quorumServerRequiresSasl: boolean;
  readonly quorumLearnerLoginContext: string;
  readonly quorumServerLoginContext: string;
  /** A JAAS file. */
  readonly loginConfig: string | null;
}

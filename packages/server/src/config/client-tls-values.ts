import type { TlsFamilyValues } from './tls-values.ts';

/** How clients and this server prove to each other who they are, by TLS. */
export interface ClientTlsValues extends TlsFamilyValues<'ssl'> {
  /** -1: there is none; 0: any free port. */
  readonly secureClientPort: number;
  /** null: all addresses. */
  readonly secureClientPortAddress: string | null;
  readonly clientPortUnification: boolean;
  readonly clientCertReload: boolean;
  /** TLS handshakes under way on one port. */
  readonly outstandingHandshakeLimit: number;
  readonly earlyDropHandshakes: boolean;
  readonly sslAuthProvider: 'x509';
  /** The subject (RFC 2253) or alternative name of a client that no access control list holds back. */
  readonly x509SuperUser: string | null;
  readonly x509IdType: 'subject' | 'SAN';
  /** Kind of alternative name, as RFC 5280 numbers them; null: not given. */
  readonly x509SanMatchType: number | null;
  readonly x509SanMatchRegex: string;
  readonly x509SanExtractRegex: string;
  readonly x509SanExtractGroup: number;
}

import { configuredContext, type TlsValues, watchStores } from '../tls/configured-context.ts';
import { TcpNetwork } from './tcp-network.ts';

/** The settings of connections between servers, beside those of TLS. */
export interface PeerNetworkValues {
  readonly sslQuorum: boolean;
  readonly portUnification: boolean;
  readonly sslQuorumReloadCertFiles: boolean;
}

/**
 * The network between servers as it is configured: plain, TLS, or both on one port.
 *
 * @param failed hears of peers that were not let in, and of stores that cannot be read again.
 * @param memberHosts the hosts of the ensemble's members as they are now: whose certificates may connect.
 * @throws TlsStoreError when a key or trust store cannot be used.
 */
export function createPeerNetwork(
  values: PeerNetworkValues,
  tlsValues: TlsValues & { readonly handshakeDetectionMs: number },
  failed: (error: Error) => void,
  memberHosts: () => readonly string[] = () => [],
): TcpNetwork {
  if (!values.sslQuorum && !values.portUnification) return new TcpNetwork({ failed });
  const tls = configuredContext(tlsValues, 'ssl.quorum.keyStore.location', memberHosts);
  if (values.sslQuorumReloadCertFiles) watchStores(tls, { failed });
  return new TcpNetwork({
    failed,
    secure: {
      tls,
      outgoing: values.sslQuorum,
      acceptPlain: values.portUnification,
      detectionTimeoutMs: tlsValues.handshakeDetectionMs,
    },
  });
}

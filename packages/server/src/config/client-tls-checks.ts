import type { ConfigValues } from './config-values.ts';
import { SETTINGS } from './schema.ts';
import { tlsFamilyOf } from './tls-family.ts';
import type { TlsFamily } from './tls-values.ts';

type Where = (key: string) => string;

/** What the settings of the client ports and of their TLS must be beside each other. */
export function checkClientPorts(values: ConfigValues, whereIs: Where, problems: string[]): void {
  const { clientPort, secureClientPort, clientPortUnification, sslClientAuth } = values;
  const hasTls = secureClientPort >= 0 || clientPortUnification;
  if (clientPortUnification && clientPort < 0) {
    const { key } = SETTINGS.clientPortUnification;
    problems.push(`${whereIs(key)}: ${key}=true: expected ${SETTINGS.clientPort.key} with it, which it is about`);
  }
  if (hasTls) {
    const { key } = secureClientPort >= 0 ? SETTINGS.secureClientPort : SETTINGS.clientPortUnification;
    const missing = (name: 'sslKeyStore' | 'sslTrustStore', why: string): void => {
      if (values[name] === null) problems.push(`${whereIs(key)}: ${key}: expected ${SETTINGS[name].key} with it${why}`);
    };
    missing('sslKeyStore', '');
    if (sslClientAuth !== 'none') {
      missing('sslTrustStore', `: who signs the certificates of clients (or ${SETTINGS.sslClientAuth.key}=none)`);
    }
  }
  if (values.x509IdType === 'SAN' && values.x509SanMatchType === null) {
    const { key } = SETTINGS.x509IdType;
    problems.push(`${whereIs(key)}: ${key}=SAN: expected ${SETTINGS.x509SanMatchType.key} with it`);
  }
  checkRevocation(tlsFamilyOf(values, 'ssl'), 'ssl.', whereIs, problems);
}

/** Revocation lists come from a file. */
export function checkRevocation(family: TlsFamily, prefix: string, whereIs: Where, problems: string[]): void {
  const [key, location] = [`${prefix}crl`, `${prefix}crl.location`];
  if (family.crl && family.crlLocation === null) {
    problems.push(`${whereIs(key)}: ${key}=true: expected ${location} with it: lists are not fetched over the network`);
  } else if (!family.crl && family.crlLocation !== null) {
    problems.push(`${whereIs(location)}: ${location}: expected ${key}=true with it`);
  }
}

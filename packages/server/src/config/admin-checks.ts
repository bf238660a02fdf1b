import type { ConfigValues } from './config-values.ts';

/** What no setting of the operators' HTTP server shows alone. */
export function checkAdmin(values: ConfigValues, whereIs: (key: string) => string, problems: string[]): void {
  const { adminUseForwardedFor, adminTrustedProxies } = values;
  if (adminUseForwardedFor && adminTrustedProxies.length === 0) {
    const key = 'IPAuthenticationProvider.usexforwardedfor';
    problems.push(
      `${whereIs(key)}: ${key}=true: expected admin.trustedProxies beside it: everybody can send that header`,
    );
  }
}

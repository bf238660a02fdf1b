import type { AdminValues } from '../../src/config/admin-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

/** For every setting of the operators' HTTP server: a text that differs from the default, and what it must become. */
export const GOOD_ADMIN_VALUES: { readonly [Name in keyof AdminValues]: [string, AdminValues[Name]] } = {
  adminEnabled: ['true', true],
  adminServerPort: ['18080', 18_080],
  adminServerAddress: ['0.0.0.0', '0.0.0.0'],
  adminCommandUrl: ['/zoo/admin', '/zoo/admin'],
  adminIdleTimeoutMs: ['5000', 5000],
  adminRateLimiterIntervalMs: ['0', 0],
  adminSnapshotEnabled: ['false', false],
  adminRestoreEnabled: ['false', false],
  adminPortUnification: ['true', true],
  adminForceHttps: ['true', true],
  adminNeedClientAuth: ['true', true],
  adminRemoteAccess: ['apache', 'apache'],
  adminUseForwardedFor: ['true', true],
  adminTrustedProxies: ['10.0.0.1, 192.168.0.0/16,::1', ['10.0.0.1', '192.168.0.0/16', '::1']],
};

/** For every setting of the operators' HTTP server: texts that must be refused. */
export const BAD_ADMIN_VALUES: { readonly [Name in keyof AdminValues]: readonly string[] } = {
  adminEnabled: NOT_A_SWITCH,
  adminServerPort: [...NOT_A_NUMBER, '-1', '65536'],
  adminServerAddress: ['', 'two words', '10.0.0.0/8'],
  adminCommandUrl: ['', 'commands', '/', '/commands/', '/a b', '/a?b'],
  adminIdleTimeoutMs: [...NOT_A_NUMBER, '0'],
  adminRateLimiterIntervalMs: [...NOT_A_NUMBER, '-1'],
  adminSnapshotEnabled: NOT_A_SWITCH,
  adminRestoreEnabled: NOT_A_SWITCH,
  adminPortUnification: NOT_A_SWITCH,
  adminForceHttps: NOT_A_SWITCH,
  adminNeedClientAuth: NOT_A_SWITCH,
  adminRemoteAccess: ['', 'all'],
  adminUseForwardedFor: NOT_A_SWITCH,
  adminTrustedProxies: ['', 'proxy.example', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.1,'],
};

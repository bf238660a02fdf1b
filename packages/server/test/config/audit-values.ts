import type { AuditValues } from '../../src/config/audit-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

/** For every setting of the audit log: a text that differs from the default, and what it must become. */
export const GOOD_AUDIT_VALUES: { readonly [Name in keyof AuditValues]: [string, AuditValues[Name]] } = {
  auditEnabled: ['true', true],
  auditFormat: ['json', 'json'],
  auditFile: ['/var/log/audit.log', '/var/log/audit.log'],
  auditFileBytes: ['1', 1024],
  auditFiles: ['3', 3],
};

/** For every setting of the audit log: texts that must be refused. */
export const BAD_AUDIT_VALUES: { readonly [Name in keyof AuditValues]: readonly string[] } = {
  auditEnabled: NOT_A_SWITCH,
  auditFormat: ['', 'xml'],
  auditFile: [''],
  auditFileBytes: [...NOT_A_NUMBER, '0'],
  auditFiles: [...NOT_A_NUMBER, '0', '1001'],
};

import type { AuditFormatName, AuditValues } from './audit-values.ts';
import type { ConfigValues } from './config-values.ts';
import { choice, flag, integer, type Setting, text } from './setting.ts';

const FORMATS: readonly AuditFormatName[] = ['apache', 'json'];

/** The rows of the settings of the audit log. */
export const AUDIT_SETTINGS: { readonly [Name in keyof AuditValues]: Setting<AuditValues[Name], ConfigValues> } = {
  auditEnabled: flag(
    'audit.enable',
    false,
    'Whether an audit log is kept: who has changed what, from where, and what came of it.',
  ),
  auditFormat: choice(
    'audit.format',
    FORMATS,
    'apache',
    "Ours. `apache`: the lines of Apache ZooKeeper's audit log. `json`: an object a line, which also tells of failed authentication and of operators' commands.",
  ),
  auditFile: text<string | null, ConfigValues>({
    key: 'audit.file',
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc: "Ours. The audit log's own file, such as /var/log/zookeeper/zookeeper_audit.log. By default its lines go to the server's log.",
  }),
  auditFileBytes: integer({
    key: 'audit.maxFileSizeInKb',
    unit: 'kilobytes',
    default: 10_240 * 1024,
    from: 1,
    scale: 1024,
    doc: 'Ours. When audit.file has grown to this size it is put aside as audit.file.1, and a new one begun.',
  }),
  auditFiles: integer({
    key: 'audit.maxFiles',
    unit: 'files',
    default: 10,
    from: 1,
    to: 1000,
    doc: 'Ours. How many files put aside are kept.',
  }),
};

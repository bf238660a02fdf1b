import type { MetricGroup } from './metric.ts';
import { different, ours, supported } from './metric-rows.ts';

/** The part of the catalogue that is not about serving clients. */
export const MACHINE_METRICS: readonly MetricGroup[] = [
  {
    title: 'Process',
    rows: [
      different(
        'jvm_pause_time_ms',
        'advanced summary',
        'Times that the event loop stood still beyond the time asked for, ms; jvm.pause.monitor switches it on',
        "Java's pauses are those of its garbage collector; here everything counts that holds the loop up",
      ),
      different(
        'jvm_memory_bytes_used',
        'gauge set',
        'Bytes of the heap in use, by area',
        'the heap of V8, and what lies beside it',
        'Prometheus',
      ),
      different('jvm_memory_bytes_committed', 'gauge set', 'Bytes of the heap', 'the heap of V8', 'Prometheus'),
      different('jvm_memory_bytes_max', 'gauge set', 'Bytes that the heap may have', 'the heap of V8', 'Prometheus'),
      supported('process_cpu_seconds_total', 'counter', 'Processor time, s', 'Prometheus'),
      supported('process_start_time_seconds', 'gauge', 'When the process began, s since 1970', 'Prometheus'),
      supported('process_open_fds', 'gauge', 'Open file descriptors', 'Prometheus'),
      supported('process_max_fds', 'gauge', 'File descriptors that it may have', 'Prometheus'),
      supported('process_resident_memory_bytes', 'gauge', 'Resident memory', 'Prometheus'),
      supported('process_virtual_memory_bytes', 'gauge', 'Virtual memory', 'Prometheus'),
      ours('process_cpu_user_seconds_total', 'counter', 'Processor time outside the kernel, s', 'Prometheus'),
      ours('process_cpu_system_seconds_total', 'counter', 'Processor time in the kernel, s', 'Prometheus'),
      ours('nodejs_heap_size_total_bytes', 'gauge', 'Heap of V8', 'Prometheus'),
      ours('nodejs_heap_size_used_bytes', 'gauge', 'Heap of V8 in use', 'Prometheus'),
      ours('nodejs_external_memory_bytes', 'gauge', 'Memory beside that heap', 'Prometheus'),
      ours('nodejs_array_buffers_bytes', 'gauge', 'Memory of buffers: the tree is in it', 'Prometheus'),
      ours(
        'nodejs_eventloop_lag_seconds',
        'gauge',
        'Mean delay of the event loop since the last reading, s',
        'Prometheus',
      ),
      ours(
        'nodejs_eventloop_lag_max_seconds',
        'gauge',
        'Longest delay of the event loop since the last reading, s',
        'Prometheus',
      ),
      ours('nodejs_eventloop_lag_p50_seconds', 'gauge', 'Median delay of the event loop, s', 'Prometheus'),
      ours(
        'nodejs_eventloop_lag_p90_seconds',
        'gauge',
        'Delay of the event loop that 90 % do not exceed, s',
        'Prometheus',
      ),
      ours(
        'nodejs_eventloop_lag_p99_seconds',
        'gauge',
        'Delay of the event loop that 99 % do not exceed, s',
        'Prometheus',
      ),
      ours('nodejs_gc_duration_seconds', 'summary set', 'Garbage collections, s, by kind', 'Prometheus'),
      ours('nodejs_version_info', 'gauge', 'Version of Node.js', 'Prometheus'),
    ],
  },
  {
    title: 'Backups',
    rows: [
      ours('backup_shipping', 'gauge', '1 on the server that ships the backups', 'backups'),
      ours('backup_blocked', 'gauge', '1 while something stands in the way of backups', 'backups'),
      ours('backup_lag_ms', 'gauge', 'Age of the oldest txn that is not backed up, ms', 'backups'),
      ours('backup_lag_txns', 'gauge', 'Txns that are not backed up', 'backups'),
      ours('backup_last_success', 'gauge', 'When something was last backed up, ms since 1970; 0: never', 'backups'),
      ours('backup_last_full', 'gauge', 'When the last full backup was taken, ms since 1970; 0: never', 'backups'),
      ours('backup_failures', 'counter', 'Tries to back up that failed', 'backups'),
      ours('backup_failures_in_a_row', 'gauge', 'Tries that failed since the last success', 'backups'),
      ours('backup_fulls', 'counter', 'Full backups', 'backups'),
      ours('backup_segments', 'counter', 'Pieces of log backed up', 'backups'),
      ours('backup_bytes', 'counter', 'Bytes backed up', 'backups'),
    ],
  },
];

import { spawn } from 'node:child_process';

/** Tells systemd, if it has started this process and waits (Type=notify), that the server serves. */
export function notifyReady(env: Readonly<Record<string, string | undefined>>): void {
  if (!env.NOTIFY_SOCKET) return;
  const helper = spawn('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore' });
  helper.on('error', (error) => {
    process.stderr.write(`headkeeper: warning: systemd cannot be told that the server serves: ${error.message}\n`);
  });
}

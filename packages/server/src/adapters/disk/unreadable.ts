/** Whether the disk said that it cannot read what it holds: damage like any other, only found by somebody else. */
export function isUnreadable(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EIO';
}

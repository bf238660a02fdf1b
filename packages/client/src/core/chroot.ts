/** Paths as callers know them, and as servers do (client-protocol reference, 10.6). */
export class Chroot {
  /** Without a slash at its end; empty for none. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The path as a server knows it. */
  whole(path: string): string {
    if (this.path === '') return path;
    return path === '/' ? this.path : this.path + path;
  }

  /** Whether a server's path is the chroot or below it. */
  has(serverPath: string): boolean {
    const { path } = this;
    return serverPath.startsWith(path) && (serverPath.length === path.length || serverPath.charAt(path.length) === '/');
  }

  /** The path as the caller knows it; what is not below the chroot, such as `/zookeeper/config`, keeps its name. */
  below(serverPath: string): string {
    if (this.path === '' || !this.has(serverPath)) return serverPath;
    return serverPath.length === this.path.length ? '/' : serverPath.slice(this.path.length);
  }
}

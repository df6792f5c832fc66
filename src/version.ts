declare const OPSCTL_VERSION: string | undefined;

/** The version of package.json, put in by the build. */
export function version(): string {
  return typeof OPSCTL_VERSION === 'undefined' ? '0.0.0-source' : OPSCTL_VERSION;
}

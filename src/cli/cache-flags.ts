export interface CacheFlags {
  readonly json?: boolean;
  readonly stateDir: string;
}

export interface CacheClearFlags extends CacheFlags {
  readonly olderThan?: string;
  readonly dryRun?: boolean;
}

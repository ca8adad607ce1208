export interface CacheFlags {
  readonly set?: readonly string[];
  readonly json?: boolean;
  readonly stateDir: string;
}

export interface CacheClearFlags extends CacheFlags {
  readonly olderThan?: string;
  readonly dryRun?: boolean;
}

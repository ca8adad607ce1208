/**
 * The steps by which the database came to be as it is. Never change one that was released: append the next.
 * Columns are named as the fields of the records; instants are milliseconds since 1970, UTC.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE runs (
  "record" INTEGER PRIMARY KEY AUTOINCREMENT,
  "runId" TEXT NOT NULL,
  "job" TEXT NOT NULL,
  "specPath" TEXT NOT NULL,
  "outputPath" TEXT,
  "logicalDateMs" INTEGER,
  "state" TEXT NOT NULL,
  "exitCode" INTEGER,
  "errorCode" TEXT,
  "errorMessage" TEXT,
  "startedAtMs" INTEGER NOT NULL,
  "endedAtMs" INTEGER,
  "rowsIn" INTEGER,
  "rowsOut" INTEGER,
  "rejectedRows" INTEGER,
  "filteredRows" INTEGER,
  "shards" INTEGER,
  "resumed" INTEGER NOT NULL,
  "modelPath" TEXT,
  "modelSha256" TEXT,
  "modelVersion" TEXT,
  "startedBy" TEXT NOT NULL,
  "trigger" TEXT NOT NULL,
  "host" TEXT NOT NULL,
  "pid" INTEGER NOT NULL,
  "bootId" TEXT NOT NULL,
  "startTicks" TEXT NOT NULL,
  "nightshiftVersion" TEXT NOT NULL,
  "logPath" TEXT
) STRICT;
CREATE INDEX runs_by_start ON runs ("startedAtMs" DESC, "runId" DESC);
CREATE INDEX runs_by_id ON runs ("runId");
CREATE INDEX runs_by_job ON runs ("specPath", "job", "startedAtMs" DESC);
CREATE INDEX runs_by_date ON runs ("specPath", "job", "logicalDateMs");
CREATE TABLE ticks (
  "specPath" TEXT NOT NULL,
  "job" TEXT NOT NULL,
  "tickMs" INTEGER NOT NULL,
  "decision" TEXT NOT NULL,
  "runId" TEXT,
  "reason" TEXT,
  "decidedAtMs" INTEGER NOT NULL,
  PRIMARY KEY ("specPath", "job", "tickMs")
) STRICT, WITHOUT ROWID;
CREATE TABLE schedules (
  "specPath" TEXT NOT NULL,
  "job" TEXT NOT NULL,
  "installedAtMs" INTEGER NOT NULL,
  "target" TEXT NOT NULL,
  "pausedAtMs" INTEGER,
  "digest" TEXT NOT NULL,
  "updatedAtMs" INTEGER NOT NULL,
  PRIMARY KEY ("specPath", "job")
) STRICT, WITHOUT ROWID;`,
  // The logical date as its job sees it: ISO 8601 with the offset of the job's zone.
  `ALTER TABLE runs ADD COLUMN "logicalDate" TEXT;`,
  // Rows that were not scored, since rows of the same features were.
  `ALTER TABLE runs ADD COLUMN "repeatedRows" INTEGER;
ALTER TABLE runs ADD COLUMN "cachedRows" INTEGER;`,
];

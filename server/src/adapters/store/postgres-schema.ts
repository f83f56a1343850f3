/**
 * The tables of a PostgreSQL store, all in the schema `copresence`, and the one statement that appends.
 * `author` is what other stores call `user`, which PostgreSQL reserves.
 */
export const PREPARE = `
  DO $$ BEGIN
    PERFORM pg_advisory_xact_lock(4822678189205110);
    CREATE SCHEMA IF NOT EXISTS copresence;
    CREATE TABLE IF NOT EXISTS copresence.meta (key text PRIMARY KEY, value bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS copresence.scene (key text PRIMARY KEY, epoch int NOT NULL DEFAULT 1, seq bigint NOT NULL DEFAULT 0,
      clients int NOT NULL DEFAULT 0, crc bigint NOT NULL, quarantine text, term bigint NOT NULL DEFAULT 0, holder text, beat timestamptz, pid int,
      pid_start timestamptz);
    CREATE TABLE IF NOT EXISTS copresence.log (scene text NOT NULL, epoch int NOT NULL, seq bigint NOT NULL, author text NOT NULL, client bigint NOT NULL,
      clock bigint NOT NULL, at_ms bigint NOT NULL, total bigint NOT NULL, bytes bytea NOT NULL, crc bigint NOT NULL, PRIMARY KEY (scene, epoch, seq));
    CREATE TABLE IF NOT EXISTS copresence.snapshot (scene text NOT NULL, epoch int NOT NULL, seq bigint NOT NULL, bytes bytea NOT NULL,
      sha256 text NOT NULL, at_ms bigint NOT NULL, PRIMARY KEY (scene, epoch, seq));
    CREATE TABLE IF NOT EXISTS copresence.client (scene text NOT NULL, client bigint NOT NULL, author text NOT NULL, PRIMARY KEY (scene, client));
    CREATE TABLE IF NOT EXISTS copresence.note (scene text NOT NULL, key text NOT NULL, bytes bytea NOT NULL, crc bigint NOT NULL,
      PRIMARY KEY (scene, key));
    ALTER TABLE copresence.snapshot ALTER COLUMN bytes SET STORAGE EXTERNAL;
  END $$`;

/** Everything hangs on the head: when another holder's term or another record's number stands there, nothing is written. */
export const APPEND = `
  WITH head AS (
    UPDATE copresence.scene SET seq = $5, clients = $6, crc = $7, beat = now()
      WHERE key = $1 AND term = $2 AND seq = $3 AND epoch = $4 AND quarantine IS NULL RETURNING key
  ), claimed AS (
    INSERT INTO copresence.client SELECT head.key, c.client, c.author FROM head, unnest($16::bigint[], $17::text[]) AS c(client, author)
  )
  INSERT INTO copresence.log
    SELECT head.key, $4, r.seq, r.author, r.client, r.clock, $8, r.total, r.bytes, r.crc
    FROM head, unnest($9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bytea[], $15::bigint[])
      AS r(seq, author, client, clock, total, bytes, crc)`;

/** As `APPEND`, only the holder of the newest term writes. */
export const NOTE = `
  WITH head AS (UPDATE copresence.scene SET beat = now() WHERE key = $1 AND term = $2 AND quarantine IS NULL RETURNING key)
  INSERT INTO copresence.note SELECT head.key, $3, $4, $5 FROM head
  ON CONFLICT (scene, key) DO UPDATE SET bytes = excluded.bytes, crc = excluded.crc`;

/** Records of an epoch that is about to be in charge; `user` of all of them is nobody. */
export const PREPARED = `
  INSERT INTO copresence.log SELECT $1, $2, r.seq, '', $3, r.clock, $4, r.total, r.bytes, r.crc
    FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::bigint[]) AS r(seq, clock, total, bytes, crc)`;

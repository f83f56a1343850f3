/**
 * The tables of a PostgreSQL store, all in the schema `copresence`, and the statements that write to them.
 * `author` is what other stores call `user`, which PostgreSQL reserves.
 *
 * [PF1] The store's format stands in `meta`. A server that starts on a newer one is refused, and changes nothing; one that was running when a newer
 *       server raised the format, or that knows of no formats, is refused by the database itself when it opens a scene: every connection
 *       says what it writes (`ANNOUNCE`).
 * [PF2] Tables are made only where today's format does not stand: a store that lost one is damaged, not new.
 */
import { newerFormat, STORE_FORMAT } from "./records.ts";

/** SQLSTATE of a refusal on account of the format; its message is a sentence. */
export const FORMAT_REFUSED = "CP001";
export const ANNOUNCE = `SELECT set_config('copresence.format', '${STORE_FORMAT}', false)`;
const STORED = "(SELECT convert_from(value, 'UTF8')::int FROM copresence.meta WHERE key = 'format')";
/** The sentence with the database's number in the place of ours. */
const NEWER = `replace('${newerFormat(-1)}', '-1', found::text)`;

export const PREPARE = `
  DO $$ DECLARE found int; BEGIN
    PERFORM pg_advisory_xact_lock(4822678189205110);
    IF to_regclass('copresence.meta') IS NOT NULL THEN found := ${STORED}; END IF;
    IF found > ${STORE_FORMAT} THEN RAISE EXCEPTION USING ERRCODE = '${FORMAT_REFUSED}', MESSAGE = ${NEWER}; END IF;
    IF found = ${STORE_FORMAT} THEN RETURN; END IF;
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
    CREATE OR REPLACE FUNCTION copresence.refuse_older() RETURNS trigger LANGUAGE plpgsql AS $f$ DECLARE found int := ${STORED}; BEGIN
      IF coalesce(nullif(current_setting('copresence.format', true), '')::int, 0) < found THEN
        RAISE EXCEPTION USING ERRCODE = '${FORMAT_REFUSED}', MESSAGE =
          'The scenes of this database were taken over by a newer server (store format ' || found || '), which this one would not read; start that version.';
      END IF;
      RETURN NULL;
    END $f$;
    DROP TRIGGER IF EXISTS refuse_older ON copresence.scene;
    CREATE TRIGGER refuse_older BEFORE INSERT ON copresence.scene FOR EACH STATEMENT EXECUTE FUNCTION copresence.refuse_older();
    INSERT INTO copresence.meta VALUES ('format', '${STORE_FORMAT}') ON CONFLICT (key) DO UPDATE SET value = excluded.value;
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

-- The roles, database and privileges of a cell, as they should be. The entrypoint runs this as the
-- superuser on a server that only it can reach, whenever the wanted state changed; every statement
-- may be run again. Passwords are read from the mounted Secrets by psql itself, so that they are
-- in no argument, environment or log.
\set ON_ERROR_STOP on
\set VERBOSITY terse
\set QUIET on
\set owner_password `cat /etc/cellwright/passwords/owner`
\set app_password `cat /etc/cellwright/passwords/app`
\set replication_password `cat /etc/cellwright/passwords/replication`
\set placement_password `cat /etc/cellwright/passwords/placement`

SELECT format('CREATE ROLE %I', role)
  FROM unnest(ARRAY['cell_owner', 'cell_app', 'cell_replication', 'cell_placement']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

-- Owns the database and its schema; runs the migrations.
ALTER ROLE cell_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT 10 PASSWORD :'owner_password';
GRANT pg_use_reserved_connections TO cell_owner;
-- Reads and writes rows.
ALTER ROLE cell_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
  PASSWORD :'app_password';
-- What one request may cost, whatever its program forgets to say. A session may say other times for
-- itself, and more disk for sorts only the superuser may give. Migrations (cell_owner) have no limits.
-- The app's own time for a statement is 3 s: one that waits for a lock is given up before that, so
-- that the log tells the two apart; the others come behind it.
ALTER ROLE cell_app SET lock_timeout = '2s';
ALTER ROLE cell_app SET statement_timeout = '5s';
ALTER ROLE cell_app SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE cell_app SET transaction_timeout = '10s';
ALTER ROLE cell_app SET temp_file_limit = '256MB';
-- Reads everything for a copy elsewhere, writes nothing. A copy must not lack the rows that row level
-- security would hide: none are hidden from it, and were that taken from it, it would get an error
-- instead of fewer rows.
ALTER ROLE cell_replication LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE REPLICATION BYPASSRLS
  CONNECTION LIMIT 20 PASSWORD :'replication_password';
ALTER ROLE cell_replication SET row_security = off;

-- Says which organizations the cell holds; its few rights in the schema are a migration's to give. It
-- connects also while the app has taken all that it may.
ALTER ROLE cell_placement LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT 4 PASSWORD :'placement_password';
GRANT pg_use_reserved_connections TO cell_placement;
ALTER ROLE cell_placement SET lock_timeout = '2s';
ALTER ROLE cell_placement SET statement_timeout = '10s';
ALTER ROLE cell_placement SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE cell_placement SET transaction_timeout = '30s';
ALTER ROLE cell_placement SET temp_file_limit = '64MB';

-- The app may use what is left after the superuser's and the owner's connections.
SELECT format('ALTER ROLE cell_app CONNECTION LIMIT %s',
         greatest(1, current_setting('max_connections')::int
                     - current_setting('superuser_reserved_connections')::int
                     - current_setting('reserved_connections')::int)) \gexec

SELECT 'CREATE DATABASE cell OWNER cell_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'cell') \gexec
ALTER DATABASE cell OWNER TO cell_owner;
REVOKE ALL ON DATABASE cell, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE cell TO cell_app, cell_replication, cell_placement;

\connect cell
ALTER SCHEMA public OWNER TO cell_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cell_app, cell_replication, cell_placement;
ALTER DEFAULT PRIVILEGES FOR ROLE cell_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cell_app;
ALTER DEFAULT PRIVILEGES FOR ROLE cell_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO cell_app;
ALTER DEFAULT PRIVILEGES FOR ROLE cell_owner IN SCHEMA public
  GRANT SELECT ON TABLES TO cell_replication;
-- Functions of the owner are for those to whom a migration grants them.
ALTER DEFAULT PRIVILEGES FOR ROLE cell_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- Large objects belong to no organization and are not replicated: nobody makes or reads any.
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure)
  FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite')) \gexec

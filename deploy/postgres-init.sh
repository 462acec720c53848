#!/bin/sh
# Runs once, when the database's volume is new: the login of the service. It works as but_app, a role that owns nothing and
# cannot pass row-level security; the migrations give that role its rights.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set password `cat /run/secrets/app_password`
CREATE ROLE but_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
CREATE ROLE but_login LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD :'password' IN ROLE but_app;
SQL

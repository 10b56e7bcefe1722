#!/bin/bash
# One database and one owner per service, made when the data directory is empty. No service may enter another's database.
set -euo pipefail
for service in order claim messaging refund notification; do
  variable=DATABASE_PASSWORD_${service^^}
  psql --quiet -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres \
    -v name="$service" -v password="${!variable:?}" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
done

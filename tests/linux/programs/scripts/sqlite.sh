# SQLite with a log beside the database, which it shares between processes by mmap.
cd /tmp
mode=$(sqlite3 x.db 'pragma journal_mode=wal; create table t(a integer primary key, b); begin;
    with recursive n(i) as (select 1 union all select i+1 from n where i < 2000) insert into t select i, i*i from n;
    commit; create index s on t(b);')
echo sqlite: $mode $(sqlite3 x.db 'select count(*), sum(b) from t where b > 100; pragma integrity_check;')
sleep 1000

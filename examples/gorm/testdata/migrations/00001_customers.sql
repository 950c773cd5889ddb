-- +goose Up
CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT);

-- +goose Down
DROP TABLE settings;
DROP TABLE customers;

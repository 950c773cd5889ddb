package main

import "fmt"

// schema has the company's tables, parents before children. Bills outlive their
// customer: there is no foreign key.
var schema = []string{
	`CREATE TABLE customers(
  cust_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  plan TEXT NOT NULL,
  seats INTEGER NOT NULL)`,
	`CREATE TABLE jira_projects(
  project_id INTEGER PRIMARY KEY,
  cust_id TEXT NOT NULL REFERENCES customers(cust_id),
  title TEXT NOT NULL)`,
	`CREATE INDEX projects_of_customer ON jira_projects(cust_id)`,
	`CREATE TABLE jira_issues(
  project_id INTEGER NOT NULL REFERENCES jira_projects(project_id),
  number INTEGER NOT NULL,
  title TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'open',
  PRIMARY KEY(project_id, number))`,
	`CREATE TABLE billing_details(
  cust_id TEXT NOT NULL,
  month INTEGER NOT NULL,
  cents INTEGER NOT NULL,
  paid INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(cust_id, month))`,
	`CREATE TABLE ops_genie_config(
  cust_id TEXT NOT NULL REFERENCES customers(cust_id),
  service TEXT NOT NULL,
  team TEXT NOT NULL,
  level INTEGER NOT NULL,
  PRIMARY KEY(cust_id, service))`,
}

// tables are those of the schema.
var tables = []string{"customers", "jira_projects", "jira_issues", "billing_details", "ops_genie_config"}

// What each customer has.
const (
	projectsEach = 3
	issuesEach   = 8 // of a project
	billsEach    = 12
	servicesEach = 4
	victimsOf25  = 2
)

// load makes the company's rows.
func load(t *terminal, customers int) {
	for _, statement := range schema {
		t.run(statement)
	}
	t.run(fmt.Sprintf(`INSERT INTO customers
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)
  SELECT printf('c%%05d', i), 'Customer ' || i || ' Ltd', iif(i %% 3, 'standard', 'premium'), 1 + i %% 500 FROM n`, customers))
	t.run(fmt.Sprintf(`INSERT INTO jira_projects
  SELECT %d * CAST(substr(cust_id, 2) AS INTEGER) + value, cust_id, 'Project ' || value || ' of ' || name
  FROM customers, json_each('[0,1,2]')`, projectsEach))
	t.run(fmt.Sprintf(`INSERT INTO jira_issues(project_id, number, title, status)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
  SELECT project_id, i, 'The page does not load the ' || i || '. time', iif(i %% 2, 'done', 'open') FROM jira_projects, n`, issuesEach))
	t.run(fmt.Sprintf(`INSERT INTO billing_details
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
  SELECT cust_id, 202600 + i, 900 * seats, i < 6 FROM customers, n`, billsEach))
	t.run(`INSERT INTO ops_genie_config
  SELECT cust_id, value, 'team ' || (seats % 7), 1 + seats % 5 FROM customers, json_each('["api","login","mail","web"]')`)
}

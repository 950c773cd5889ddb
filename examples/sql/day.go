package main

import "fmt"

// play is the day.
func play(t *terminal, customers int) {
	t.say("The company's database.")
	load(t, customers)
	t.run(`SELECT dolt_commit('-Am', 'Import') IS NOT NULL`)
	routineMaintenance(t)
	dayGoesOn(t, customers)
	victims := victimsOf25 * customers / 25
	t.say("The next morning a customer calls: c00007 cannot log in.")
	t.want("", `SELECT * FROM customers WHERE cust_id = 'c00007'`)
	t.want(fmt.Sprint(customers-victims), `SELECT count(*) FROM customers`)
	t.note("morning", `SELECT dolt_hashof('HEAD')`)
	find(t)
	look(t, victims)
	bringOneBack(t)
	bringAllBack(t)
	compare(t, customers)
}

// routineMaintenance is the bad commit.
func routineMaintenance(t *terminal) {
	t.say("An intern cleans up what looks unused.")
	t.run(`CREATE TEMP TABLE unused AS SELECT cust_id FROM customers WHERE CAST(substr(cust_id, 2) AS INTEGER) % 25 IN (7, 19)`)
	t.run(`DELETE FROM ops_genie_config WHERE cust_id IN unused`)
	t.run(`DELETE FROM jira_issues WHERE project_id IN (SELECT project_id FROM jira_projects WHERE cust_id IN unused)`)
	t.run(`DELETE FROM jira_projects WHERE cust_id IN unused`)
	t.run(`DELETE FROM customers WHERE cust_id IN unused`)
	t.run(`SELECT dolt_commit('-am', 'Routine maintenance', '--author', 'Intern <intern@company.example>') IS NOT NULL`)
	t.run(`DROP TABLE unused`)
}

// chores are what people do on a normal day, for a customer by number and a count.
var chores = []struct{ role, text, statement string }{
	{"Billing", "Correct bill", `UPDATE billing_details SET cents = cents + 100 + ?2 WHERE cust_id = printf('c%05d', ?1) AND month = 202606 + ?2 % 6`},
	{"Support", "Open issue", `INSERT INTO jira_issues(project_id, number, title) VALUES (3 * ?1, 100 + ?2, 'It is slow again')`},
	{"Sales", "Sell seats", `UPDATE customers SET seats = seats + 1 + ?2 % 5 WHERE cust_id = printf('c%05d', ?1)`},
	{"On-call", "Change escalation", `UPDATE ops_genie_config SET level = level + 1, team = 'night ' || ?2 WHERE cust_id = printf('c%05d', ?1)`},
}

const choresDone = 80

// dayGoesOn has others commit to the same tables, for customers who are there.
func dayGoesOn(t *terminal, customers int) {
	t.say(fmt.Sprintf("Nobody notices. Others go on: %d commits by Billing, Support, Sales and On-call.", choresDone))
	for i := range choresDone {
		c, customer := chores[i%len(chores)], (25*i+i%7)%customers
		t.quiet(c.statement, customer, i)
		t.quiet(`SELECT dolt_commit('-am', ?, '--author', ?)`, c.text, c.role+" <"+c.role+"@company.example>")
	}
	t.want(fmt.Sprint(choresDone+3), `SELECT count(*) FROM dolt_log`)
}

// find finds the commit that deleted the customer.
func find(t *terminal) {
	t.say("Who deleted the customer?")
	t.want("Intern|Routine maintenance|removed|Customer 7 Ltd", `SELECT l.author, l.message, d.diff_type, d.from_name
  FROM dolt_diff_customers AS d JOIN dolt_log AS l ON l.commit_hash = d.to_commit
  WHERE d.from_cust_id = 'c00007' AND d.diff_type = 'removed'`)
	t.note("bad", `SELECT to_commit FROM dolt_diff_customers WHERE from_cust_id = 'c00007' AND diff_type = 'removed'`)
}

// look shows what the commit did, and what it took from the customer.
func look(t *terminal, victims int) {
	t.say("What else did that commit do?")
	t.want(fmt.Sprintf("customers|%d\njira_issues|%d\njira_projects|%d\nops_genie_config|%d",
		victims, victims*projectsEach*issuesEach, victims*projectsEach, victims*servicesEach),
		`SELECT table_name, rows_deleted FROM dolt_diff_stat('{bad}~', '{bad}') ORDER BY table_name`)
	t.want("c00007|Customer 7 Ltd\nc00019|Customer 19 Ltd\nc00032|Customer 32 Ltd", `SELECT from_cust_id, from_name
  FROM dolt_commit_diff_customers WHERE from_commit = '{bad}~' AND to_commit = '{bad}'
  ORDER BY from_cust_id LIMIT 3`)
	t.say("The customer as of the commit before.")
	t.want("Customer 7 Ltd|standard|8|3|24", `SELECT c.name, c.plan, c.seats, count(DISTINCT p.project_id), count(*)
  FROM customers AS OF '{bad}~' AS c
  JOIN jira_projects AS OF '{bad}~' AS p ON p.cust_id = c.cust_id
  JOIN jira_issues AS OF '{bad}~' AS i ON i.project_id = p.project_id
  WHERE c.cust_id = 'c00007'`)
}

// bringOneBack restores the customer who is on the phone, and who goes on working.
func bringOneBack(t *terminal) {
	t.say("This one is on the phone: bring the customer back, with all that depends on it.")
	t.want(`customers|1
jira_issues|24
jira_projects|3
ops_genie_config|4`, `SELECT key, value ->> 'added'
  FROM json_each(dolt_restore('customers', '{bad}~', 'c00007', '--follow', '-m', 'Bring c00007 back'), '$.rows') ORDER BY key`)
	t.want("Customer 7 Ltd|3|4", `SELECT name, (SELECT count(*) FROM jira_projects AS p WHERE p.cust_id = c.cust_id),
    (SELECT count(*) FROM ops_genie_config AS o WHERE o.cust_id = c.cust_id)
  FROM customers AS c WHERE cust_id = 'c00007'`)
	t.run(`UPDATE customers SET seats = seats + 10 WHERE cust_id = 'c00007'`)
	t.run(`SELECT dolt_commit('-am', 'Sell seats', '--author', 'Sales <sales@company.example>') IS NOT NULL`)
}

// bringAllBack reverts the commit. One row was written since it is back: ours is newer.
func bringAllBack(t *terminal) {
	t.say("Now all the others. The revert stops at the row that was sold seats since, and waits, in a transaction.")
	t.run("BEGIN")
	t.refused("1 conflict", `SELECT dolt_revert('{bad}')`)
	t.want("customers|1", `SELECT "table", num_conflicts FROM dolt_conflicts`)
	t.want("c00007|18|8", `SELECT our_cust_id, our_seats, their_seats FROM dolt_conflicts_customers`)
	t.run(`SELECT dolt_conflicts_resolve('--ours', 'customers')`)
	t.run(`SELECT dolt_commit('-am', 'Revert "Routine maintenance"') IS NOT NULL`)
	t.run("COMMIT")
	t.want("Revert \"Routine maintenance\"|Operations\nSell seats|Sales\nBring c00007 back|Operations\nChange escalation|On-call",
		`SELECT message, author FROM dolt_log LIMIT 4`)
}

// compare compares each table with what it was: what differs from the commit before
// the bad one is what was written since, no more and no less.
func compare(t *terminal, customers int) {
	t.say("Is everything back, and is nothing lost that was written since?")
	t.want(fmt.Sprint(customers), `SELECT count(*) FROM customers`)
	t.want("Customer 7 Ltd|18", `SELECT name, seats FROM customers WHERE cust_id = 'c00007'`)
	t.say("But for the seats sold to c00007, which are left out of this, table by table: 0, 0, 1 is right.")
	t.run(`UPDATE customers SET seats = seats - 10 WHERE cust_id = 'c00007'`)
	for _, table := range tables {
		t.want("0", `SELECT count(*) FROM (
  SELECT * FROM `+table+` AS OF '{bad}~'
  EXCEPT SELECT * FROM `+table+`
  EXCEPT SELECT * FROM (SELECT * FROM `+table+` AS OF '{bad}' EXCEPT SELECT * FROM `+table+` AS OF '{morning}'))`)
		t.want("0", `SELECT count(*) FROM (SELECT * FROM `+table+` AS OF '{morning}' EXCEPT SELECT * FROM `+table+`)`)
		t.want("1", `SELECT (SELECT count(*) FROM `+table+`) =
  (SELECT count(*) FROM `+table+` AS OF '{bad}~') + (SELECT count(*) FROM `+table+` AS OF '{morning}') - (SELECT count(*) FROM `+table+` AS OF '{bad}')`)
	}
	t.run(`SELECT dolt_reset('--hard')`)
	t.want("", `PRAGMA foreign_key_check`)
	t.want("ok", `PRAGMA integrity_check`)
	t.say("Everything is as it should be.")
}

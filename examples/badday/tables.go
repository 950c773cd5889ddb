package main

import "github.com/vdbgo/vdb"

// Customer is a row of customers.
type Customer struct {
	ID    string `vdb:"cust_id,pk"`
	Name  string `vdb:"name"`
	Plan  string `vdb:"plan"`
	Seats int64  `vdb:"seats"`
}

// Project is a row of jira_projects.
type Project struct {
	ID       int64  `vdb:"project_id,pk"`
	Customer string `vdb:"cust_id,index,fk=customers"`
	Title    string `vdb:"title"`
	// Issues is the number of the project's rows in jira_issues: whoever opens or
	// deletes one keeps it, in the same transaction.
	Issues int64 `vdb:"issues"`
}

// Issue is a row of jira_issues.
type Issue struct {
	Project  int64  `vdb:"project_id,pk,fk=jira_projects"`
	Number   int64  `vdb:"number,pk"`
	Customer string `vdb:"cust_id"`
	Title    string `vdb:"title"`
	Status   string `vdb:"status"`
	// Votes may be counted by many at once: their additions are summed.
	Votes int64 `vdb:"votes,merge=sum"`
}

// Bill is a row of billing_details. Bills outlive their customer: there is no
// foreign key.
type Bill struct {
	Customer string `vdb:"cust_id,pk"`
	Month    int64  `vdb:"month,pk"` // as in 202601
	Cents    int64  `vdb:"cents"`
	Paid     bool   `vdb:"paid"`
}

// Escalation is a row of ops_genie_config.
type Escalation struct {
	Customer string `vdb:"cust_id,pk,fk=customers"`
	Service  string `vdb:"service,pk"`
	Team     string `vdb:"team"`
	Level    int64  `vdb:"level"`
}

// The tables of the company.
var (
	customers   = vdb.MustTable[Customer]("customers")
	projects    = vdb.MustTable[Project]("jira_projects")
	issues      = vdb.MustTable[Issue]("jira_issues")
	bills       = vdb.MustTable[Bill]("billing_details")
	escalations = vdb.MustTable[Escalation]("ops_genie_config")
)

// createTables makes the tables, parents before children.
func createTables(tx *vdb.Tx) error {
	for _, create := range []func(*vdb.Tx) error{
		customers.Create, projects.Create, issues.Create, bills.Create, escalations.Create,
	} {
		if err := create(tx); err != nil {
			return err
		}
	}
	return nil
}

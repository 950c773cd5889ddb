package vdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/vdbgo/vdb"
)

// benchCustomer makes rows of about 120 bytes.
type benchCustomer struct {
	ID      string `vdb:"id,pk"`
	Name    string
	Email   string
	City    string
	Balance float64
	Visits  int64
	Active  bool
}

var benchCustomers = vdb.MustTable[benchCustomer]("customers")

func benchID(i int) string { return fmt.Sprintf("cust%08d", i) }

func benchCustomerOf(i int) benchCustomer {
	return benchCustomer{
		ID: benchID(i), Name: fmt.Sprintf("Customer number %d, Ltd.", i), Email: fmt.Sprintf("office-%d@customers.example.com", i),
		City: "Kirchberg an der Raab", Balance: float64(i) * 1.25, Visits: int64(i % 1000), Active: i%2 == 0,
	}
}

// loadCustomers makes a database in memory with n rows, loaded in one transaction.
func loadCustomers(n int) (*vdb.Branch, error) {
	ctx := context.Background()
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	if err != nil {
		return nil, err
	}
	b, err := db.Branch(ctx, vdb.MainBranch)
	if err != nil {
		return nil, err
	}
	return b, b.Update(ctx, func(tx *vdb.Tx) error {
		if err := benchCustomers.Create(tx); err != nil {
			return err
		}
		for i := range n {
			if err := benchCustomers.Put(tx, benchCustomerOf(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// millionCustomers is loaded once for all benchmarks.
var millionCustomers = sync.OnceValues(func() (*vdb.Branch, error) { return loadCustomers(benchRows) })

func million(b *testing.B) (*vdb.Branch, *vdb.Snapshot) {
	b.Helper()
	branch, err := millionCustomers()
	if err != nil {
		b.Fatal(err)
	}
	s, err := branch.Snapshot(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return branch, s
}

// reportCPU reports what one of n things took of the processor since a moment.
func reportCPU(b *testing.B, since time.Duration, n int, unit string) {
	b.ReportMetric(float64((cpuTime()-since).Nanoseconds())/float64(n), "cpu-ns/"+unit)
}

func BenchmarkTypedGet(b *testing.B) {
	_, s := million(b)
	rng := rand.New(rand.NewPCG(1, 2))
	ids := make([]string, 1<<16)
	for i := range ids {
		ids[i] = benchID(rng.IntN(benchRows))
	}
	b.ReportAllocs()
	i, cpu := 0, cpuTime()
	for b.Loop() {
		c, err := benchCustomers.Get(s, ids[i%len(ids)])
		if err != nil || c.City == "" {
			b.Fatal(c, err)
		}
		i++
	}
	reportCPU(b, cpu, b.N, "op")
}

func BenchmarkTypedScan(b *testing.B) {
	_, s := million(b)
	b.ReportAllocs()
	rows, cpu := 0, cpuTime()
	for b.Loop() {
		for c, err := range benchCustomers.All(s) {
			if err != nil || c.City == "" {
				b.Fatal(c, err)
			}
			rows++
		}
	}
	reportCPU(b, cpu, rows, "row")
}

func BenchmarkBulkLoad(b *testing.B) {
	const rows = 200_000
	customers := make([]benchCustomer, rows)
	for i := range customers {
		customers[i] = benchCustomerOf(i)
	}
	b.Run("sorted", func(b *testing.B) { bulkLoad(b, customers) })
	rand.New(rand.NewPCG(1, 2)).Shuffle(rows, func(i, j int) { customers[i], customers[j] = customers[j], customers[i] })
	b.Run("random", func(b *testing.B) { bulkLoad(b, customers) })
}

func bulkLoad(b *testing.B, customers []benchCustomer) {
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		branch, err := loadCustomers(0)
		if err != nil {
			b.Fatal(err)
		}
		update(b, branch, func(tx *vdb.Tx) error {
			for _, c := range customers {
				if err := benchCustomers.Put(tx, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	reportCPU(b, cpu, b.N*len(customers), "row")
}

func BenchmarkTypedUpdate(b *testing.B) {
	branch, _ := million(b)
	rng := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	visits, cpu := int64(0), cpuTime()
	for b.Loop() {
		visits++
		c := benchCustomerOf(rng.IntN(benchRows))
		c.Visits = visits
		update(b, branch, func(tx *vdb.Tx) error { return benchCustomers.Update(tx, c) })
	}
	reportCPU(b, cpu, b.N, "op")
}

// Command linearizability judges a history of operations on registers: linearizability FILE SECONDS
//
// FILE has one operation a line, as JSON. A register is a znode: absent, or present with a version and data. Prints one of
// the words ok, illegal, unknown (not decided in SECONDS), then how many operations and registers were judged, and for
// an illegal history the registers at fault; exit code 0, 1 or 2.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

// One operation with its outcome. Times are microseconds of one clock.
type operation struct {
	Client int    `json:"client"`
	Key    string `json:"key"`
	// create, set, delete or read
	Op   string `json:"op"`
	Data string `json:"data"`
	// Version that set and delete ask for; -1 for any.
	Expected int32 `json:"expected"`
	Call     int64 `json:"call"`
	Return   int64 `json:"return"`
	// ok, absent, exists, version: what was answered; unknown: no answer came.
	Outcome string `json:"outcome"`
	// What a set or a read was told.
	Version int32 `json:"version"`
	// What a read was told.
	Found string `json:"found"`
}

type register struct {
	exists  bool
	version int32
	data    string
}

// What the operation does to the register when it is carried out, and the answer that belongs to it.
func apply(state register, op operation) (register, string) {
	switch op.Op {
	case "create":
		if state.exists {
			return state, "exists"
		}
		return register{true, 0, op.Data}, "ok"
	case "set", "delete":
		if !state.exists {
			return state, "absent"
		}
		if op.Expected != -1 && op.Expected != state.version {
			return state, "version"
		}
		if op.Op == "delete" {
			return register{}, "ok"
		}
		return register{true, state.version + 1, op.Data}, "ok"
	case "read":
		if !state.exists {
			return state, "absent"
		}
		return state, "ok"
	}
	panic("no such operation: " + op.Op)
}

func step(state, input, _ interface{}) (bool, interface{}) {
	op := input.(operation)
	next, answer := apply(state.(register), op)
	if op.Outcome == "unknown" {
		return true, next
	}
	if op.Outcome != answer {
		return false, state
	}
	if answer == "ok" && (op.Op == "set" || op.Op == "read") && op.Version != next.version {
		return false, state
	}
	if answer == "ok" && op.Op == "read" && op.Found != next.data {
		return false, state
	}
	return true, next
}

var model = porcupine.Model{
	Init: func() interface{} { return register{} },
	Step: step,
}

func fail(code int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(code)
}

func read(name string) map[string][]porcupine.Operation {
	file, err := os.Open(name)
	if err != nil {
		fail(66, "%v", err)
	}
	defer file.Close()
	registers := map[string][]porcupine.Operation{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var op operation
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			fail(65, "%s: %v", lines.Text(), err)
		}
		if op.Outcome == "unknown" {
			// It may be carried out at any time after it was sent, or never, which is the same as at the very end.
			op.Return = math.MaxInt64
		}
		registers[op.Key] = append(registers[op.Key], porcupine.Operation{
			ClientId: op.Client, Input: op, Call: op.Call, Return: op.Return,
		})
	}
	if err := lines.Err(); err != nil {
		fail(65, "%v", err)
	}
	return registers
}

func main() {
	if len(os.Args) != 3 {
		fail(64, "usage: linearizability FILE SECONDS")
	}
	seconds, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fail(64, "%v", err)
	}
	registers := read(os.Args[1])
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	keys := make([]string, 0, len(registers))
	for key := range registers {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	verdict, count := "ok", 0
	var illegal, undecided []string
	// Registers are independent of each other, so each is judged by itself.
	for _, key := range keys {
		count += len(registers[key])
		left := time.Until(deadline)
		if left <= 0 {
			left = time.Millisecond
		}
		switch porcupine.CheckOperationsTimeout(model, registers[key], left) {
		case porcupine.Illegal:
			illegal = append(illegal, key)
		case porcupine.Unknown:
			undecided = append(undecided, key)
		}
	}
	code := 0
	if len(undecided) > 0 {
		verdict, code = "unknown", 2
	}
	if len(illegal) > 0 {
		verdict, code = "illegal", 1
	}
	fmt.Println(verdict)
	fmt.Printf("%d operations on %d registers\n", count, len(keys))
	for _, key := range illegal {
		fmt.Printf("illegal: %s\n", key)
	}
	for _, key := range undecided {
		fmt.Printf("undecided: %s\n", key)
	}
	os.Exit(code)
}

package main

import (
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"
)

// The models, by the word before the colon of "on".
var models = map[string]porcupine.Model{
	"register": {Init: func() interface{} { return register{} }, Step: stepOf(stepRegister)},
	"counter":  {Init: func() interface{} { return int64(0) }, Step: stepOf(stepCounter)},
	"set":      {Init: func() interface{} { return "" }, Step: stepOf(stepSet)},
	"queue":    {Init: func() interface{} { return "" }, Step: stepOf(stepQueue)},
	"lock":     {Init: func() interface{} { return lock{} }, Step: stepOf(stepLock)},
	"fenced":   {Init: func() interface{} { return int64(0) }, Step: stepOf(stepFenced)},
}

// A step tells what an operation makes of a state, and whether its answer fits; of an unknown outcome nothing is asked.
func stepOf(step func(state interface{}, op operation) (bool, interface{})) func(state, input, output interface{}) (bool, interface{}) {
	return func(state, input, _ interface{}) (bool, interface{}) {
		op := input.(operation)
		fits, next := step(state, op)
		if op.outcome == "unknown" {
			return true, next
		}
		return fits, next
	}
}

// What was answered: 0, or ZooKeeper's number.
func (op operation) told() int {
	if op.outcome == "ok" {
		return 0
	}
	return op.answer.Error
}

const (
	noNode     = -101
	badVersion = -103
	nodeExists = -110
)

type register struct {
	exists  bool
	version int32
	data    string
}

func dataOf(data *string) string {
	if data == nil {
		return "\x00"
	}
	return *data
}

func stepRegister(state interface{}, op operation) (bool, interface{}) {
	now := state.(register)
	in, out := op.call.In, op.answer.Out
	told := op.told()
	versionFits := func(version int32) bool { return out.Stat == nil || out.Stat.Version == version }
	switch op.call.Do {
	case "create":
		if now.exists {
			return told == nodeExists, now
		}
		return told == 0, register{true, 0, dataOf(in.Data)}
	case "setData", "delete":
		if !now.exists {
			return told == noNode, now
		}
		if in.Version != -1 && in.Version != now.version {
			return told == badVersion, now
		}
		if op.call.Do == "delete" {
			return told == 0, register{}
		}
		next := register{true, now.version + 1, dataOf(in.Data)}
		return told == 0 && versionFits(next.version), next
	default:
		if !now.exists {
			return told == noNode, now
		}
		dataFits := op.call.Do == "exists" || dataOf(out.Data) == now.data
		return told == 0 && dataFits && versionFits(now.version), now
	}
}

func stepCounter(state interface{}, op operation) (bool, interface{}) {
	value := state.(int64)
	if op.call.Do == "add" {
		value += op.call.In.By
	}
	told, isNumber := op.answer.Out.Value.(float64)
	return isNumber && int64(told) == value, value
}

// A set is its elements, sorted, each with a line break behind it.
func stepSet(state interface{}, op operation) (bool, interface{}) {
	set := state.(string)
	element := op.call.In.Value + "\n"
	has := strings.Contains("\n"+set, "\n"+element)
	switch op.call.Do {
	case "add":
		if has {
			return op.outcome == "refused", set
		}
		elements := append(strings.SplitAfter(set, "\n"), element)
		sort.Strings(elements)
		return op.outcome == "ok", strings.Join(elements, "")
	case "remove":
		if !has {
			return op.outcome == "refused", set
		}
		return op.outcome == "ok", strings.Replace("\n"+set, "\n"+element, "\n", 1)[1:]
	default:
		told := append([]string(nil), op.answer.Out.Values...)
		sort.Strings(told)
		text := strings.Join(told, "\n")
		if text != "" {
			text += "\n"
		}
		return text == set, set
	}
}

// A queue is its items, the oldest first, each with a line break behind it.
func stepQueue(state interface{}, op operation) (bool, interface{}) {
	queue := state.(string)
	if op.call.Do == "put" {
		return op.outcome == "ok", queue + op.call.In.Value + "\n"
	}
	taken, isItem := op.answer.Out.Value.(string)
	if op.outcome == "unknown" {
		taken, isItem = op.taking, op.taking != ""
	}
	if !isItem {
		return queue == "", queue
	}
	if !strings.HasPrefix(queue, taken+"\n") {
		return false, queue
	}
	return true, queue[len(taken)+1:]
}

type lock struct {
	holder string
	token  int64
}

func stepLock(state interface{}, op operation) (bool, interface{}) {
	now := state.(lock)
	session := op.call.Session
	switch op.call.Do {
	case "acquire":
		if now.holder != "" {
			return op.outcome == "refused", now
		}
		token := op.answer.Out.Token
		if op.outcome == "unknown" {
			token = now.token
		}
		return op.outcome == "ok" && token >= now.token, lock{session, token}
	case "release":
		if now.holder != session {
			return op.outcome == "refused", now
		}
		return op.outcome == "ok", lock{"", now.token}
	default:
		if now.holder != session {
			return true, now
		}
		return true, lock{"", now.token}
	}
}

func stepFenced(state interface{}, op operation) (bool, interface{}) {
	greatest := state.(int64)
	if op.call.In.Token < greatest {
		return op.outcome == "refused", greatest
	}
	return op.outcome == "ok", op.call.In.Token
}

/* Answers in the formats of OpenAI, and what the gate says of them; for test_gate.c. */
#ifndef TESTS_GATE_OPENAI_H
#define TESTS_GATE_OPENAI_H

#include "core/gate.h"

enum let { LET_LENGTH = 1, LET_FILTER = 2, LET_REFUSAL = 4, LET_TOOLS = 8 };

/* Answers are written with ' for ". */
struct verdict {
    const char *answer;
    enum reason want;
    uint32_t count;
    unsigned let; /* enum let */
};

/* Chat completions, as OpenAI and the servers that answer like it write them. */
#define CHAT(choices)                                                                              \
    "{'id':'chatcmpl-B9','object':'chat.completion','created':1741569952,'model':'gpt-4.1',"       \
    "'choices':" choices ",'usage':{'prompt_tokens':19,'completion_tokens':10,'total_tokens':29}," \
    "'service_tier':'default','system_fingerprint':null}"
#define CHOICE(message, finish)                                                                    \
    "{'index':0,'message':{'role':'assistant'," message                                            \
    "},'logprobs':null,'finish_reason':" finish "}"
#define HELLO "'content':'Good morning, how may I help?','refusal':null,'annotations':[]"
#define CALLS                                                                                      \
    "'content':null,'tool_calls':[{'id':'call_a','type':'function','function':{'name':'weather',"  \
    "'arguments':'{}'}}],'refusal':null"

static const struct verdict chat[] = {
    {CHAT("[" CHOICE(HELLO, "'stop'") "]"), REASON_NONE, 0, 0},
    {CHAT("[" CHOICE(HELLO, "'stop'") "]"), REASON_NONE, 1, 0},
    {CHAT("[" CHOICE(HELLO, "'stop'") "," CHOICE(HELLO, "'stop'") "]"), REASON_NONE, 2, 0},
    {CHAT("[" CHOICE(HELLO, "'stop'") "," CHOICE(HELLO, "'stop'") "]"), REASON_ANSWER_COUNT, 3, 0},
    {CHAT("[" CHOICE(HELLO, "'stop'") "," CHOICE(HELLO, "'length'") "]"), REASON_ANSWER_CUT, 2, 0},
    {CHAT("[" CHOICE(HELLO, "'stop'") "," CHOICE("'content':''", "'stop'") "]"),
     REASON_ANSWER_EMPTY, 2, 0},
    {CHAT("[]"), REASON_ANSWER_EMPTY, 0, 0},
    {CHAT("[]"), REASON_ANSWER_COUNT, 1, 0},
    /* finish reasons */
    {CHAT("[" CHOICE(HELLO, "'length'") "]"), REASON_ANSWER_CUT, 1, LET_FILTER | LET_TOOLS},
    {CHAT("[" CHOICE(HELLO, "'length'") "]"), REASON_NONE, 1, LET_LENGTH},
    {CHAT("[" CHOICE("'content':''", "'length'") "]"), REASON_ANSWER_EMPTY, 1, LET_LENGTH},
    {CHAT("[" CHOICE(HELLO, "'content_filter'") "]"), REASON_ANSWER_FILTERED, 1, LET_LENGTH},
    {CHAT("[" CHOICE(HELLO, "'content_filter'") "]"), REASON_NONE, 1, LET_FILTER},
    {CHAT("[" CHOICE(HELLO, "null") "]"), REASON_ANSWER_CUT, 1, LET_LENGTH},
    {CHAT("[{'index':0,'message':{" HELLO "}}]"), REASON_ANSWER_CUT, 1, LET_LENGTH},
    {CHAT("[" CHOICE(HELLO, "'paused'") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE(HELLO, "'STOP'") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE(HELLO, "''") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE(HELLO, "'error'") "]"), REASON_ANSWER_ERROR, 1, 15},
    /* tools */
    {CHAT("[" CHOICE(CALLS, "'tool_calls'") "]"), REASON_ANSWER_TOOLS, 1, 0},
    {CHAT("[" CHOICE(CALLS, "'tool_calls'") "]"), REASON_NONE, 1, LET_TOOLS},
    {CHAT("[" CHOICE(CALLS, "'stop'") "]"), REASON_ANSWER_TOOLS, 1, 0},
    {CHAT("[" CHOICE(CALLS, "'stop'") "]"), REASON_NONE, 1, LET_TOOLS},
    {CHAT("[" CHOICE("'content':null,'function_call':{'name':'f','arguments':'{}'}",
                     "'function_call'") "]"),
     REASON_NONE, 1, LET_TOOLS},
    {CHAT("[" CHOICE("'content':null,'function_call':{'name':'f','arguments':'{}'}", "'stop'") "]"),
     REASON_ANSWER_TOOLS, 1, 0},
    {CHAT("[" CHOICE("'content':'Hi','tool_calls':[]", "'stop'") "]"), REASON_NONE, 1, 0},
    {CHAT("[" CHOICE("'content':null,'tool_calls':[]", "'tool_calls'") "]"), REASON_ANSWER_EMPTY, 1,
     LET_TOOLS},
    /* refusals */
    {CHAT("[" CHOICE("'content':null,'refusal':'I will not.'", "'stop'") "]"),
     REASON_ANSWER_REFUSAL, 1, LET_LENGTH | LET_FILTER | LET_TOOLS},
    {CHAT("[" CHOICE("'content':null,'refusal':'I will not.'", "'stop'") "]"), REASON_NONE, 1,
     LET_REFUSAL},
    /* nothing said */
    {CHAT("[" CHOICE("'content':null", "'stop'") "]"), REASON_ANSWER_EMPTY, 1, 15},
    {CHAT("[" CHOICE("'refusal':null", "'stop'") "]"), REASON_ANSWER_EMPTY, 1, 15},
    {CHAT("[" CHOICE("'content':[]", "'stop'") "]"), REASON_ANSWER_EMPTY, 1, 15},
    {CHAT("[" CHOICE("'content':[{'type':'text','text':''}]", "'stop'") "]"), REASON_ANSWER_EMPTY,
     1, 15},
    {CHAT("[{'index':0,'message':null,'finish_reason':'stop'}]"), REASON_ANSWER_EMPTY, 1, 15},
    {CHAT("[{'index':0,'delta':{'content':'a'},'finish_reason':'stop'}]"), REASON_ANSWER_EMPTY, 1,
     15},
    {CHAT("[" CHOICE("'content':[{'type':'text','text':'Hi'}]", "'stop'") "]"), REASON_NONE, 1, 0},
    {CHAT("[" CHOICE("'content':null,'audio':{'id':'audio_1','data':'UklG','transcript':'Hi'}",
                     "'stop'") "]"),
     REASON_NONE, 1, 0},
    /* errors with status 200 */
    {"{'error':{'message':'overloaded','type':'server_error','code':null}}", REASON_ANSWER_ERROR, 1,
     15},
    {"{'error':'overloaded','choices':[" CHOICE(HELLO, "'stop'") "]}", REASON_ANSWER_ERROR, 1, 15},
    {"{'error':null,'choices':[" CHOICE(HELLO, "'stop'") "]}", REASON_NONE, 1, 0},
    {"{'choices':[{'message':{'content':'Hi'},'finish_reason':'stop','error':{'code':502}}]}",
     REASON_ANSWER_ERROR, 1, 15},
    /* not an answer of this API */
    {"{}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'output':[]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("null"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("'stop'"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("{'finish_reason':'stop'}"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("7"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("['stop']"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[null]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[[" CHOICE(HELLO, "'stop'") "]]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE(HELLO, "1") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE(HELLO, "['stop']") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[{'message':'Hi','finish_reason':'stop'}]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE("'content':5", "'stop'") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE("'content':{'text':'Hi'}", "'stop'") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE("'content':['Hi']", "'stop'") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
    {CHAT("[" CHOICE("'content':[{'type':1,'text':'Hi'}]", "'stop'") "]"), REASON_ANSWER_UNKNOWN, 1,
     15},
    {CHAT("[" CHOICE("'content':[{'type':'text','text':1}]", "'stop'") "]"), REASON_ANSWER_UNKNOWN,
     1, 15},
    {CHAT("[" CHOICE("'content':'Hi','tool_calls':{}", "'stop'") "]"), REASON_ANSWER_UNKNOWN, 1,
     15},
    {CHAT("[" CHOICE("'content':'Hi','refusal':true", "'stop'") "]"), REASON_ANSWER_UNKNOWN, 1, 15},
};

/* Azure's annotations of a choice and of the prompt. */
#define AZURE(prompt, choice)                                                                      \
    "{'object':'chat.completion','prompt_filter_results':[{'prompt_index':0," prompt "}],"         \
    "'choices':[{'index':0,'finish_reason':'stop','message':{'role':'assistant','content':'Hi'}"   \
    "," choice "}]}"
#define SAFE                                                                                       \
    "'content_filter_results':{'hate':{'filtered':false,'severity':'safe'},"                       \
    "'protected_material_text':{'filtered':false,'detected':false},"                               \
    "'custom_blocklists':{'filtered':false,'details':[{'filtered':false,'id':'b'}]}}"
#define FILTERED "'content_filter_results':{'violence':{'filtered':true,'severity':'medium'}}"

static const struct verdict azure[] = {
    {AZURE(SAFE, SAFE), REASON_NONE, 1, 0},
    {AZURE(SAFE, FILTERED), REASON_ANSWER_FILTERED, 1, LET_LENGTH | LET_REFUSAL | LET_TOOLS},
    {AZURE(FILTERED, SAFE), REASON_ANSWER_FILTERED, 1, 0},
    {AZURE(SAFE, FILTERED), REASON_NONE, 1, LET_FILTER},
    {AZURE(SAFE, "'content_filter_results':{'custom_blocklists':[{'filtered':true,'id':'b'}]}"),
     REASON_ANSWER_FILTERED, 1, 0},
    {AZURE(SAFE, "'content_filter_results':{}"), REASON_NONE, 1, 0},
    {AZURE(SAFE, "'content_filter_results':null"), REASON_NONE, 1, 0},
    /* the filter did not run: no switch lets that pass */
    {AZURE(SAFE, "'content_filter_results':{'error':{'code':'content_filter_error',"
                 "'message':'The contents are not filtered'}}"),
     REASON_ANSWER_FILTERED, 1, 15},
    {AZURE(SAFE, "'content_filter_result':{'error':{'code':'content_filter_error'}}"),
     REASON_ANSWER_FILTERED, 1, 15},
    {AZURE("'content_filter_result':{'error':{'code':'content_filter_error'}}", SAFE),
     REASON_ANSWER_FILTERED, 1, 15},
    {AZURE(SAFE, "'content_filter_results':'safe'"), REASON_ANSWER_UNKNOWN, 1, 15},
    {AZURE(SAFE, "'content_filter_results':{'hate':{'filtered':'true'}}"), REASON_ANSWER_UNKNOWN, 1,
     15},
};

static const struct verdict completions[] = {
    {"{'object':'text_completion','choices':[{'text':' a time','index':0,'logprobs':null,"
     "'finish_reason':'stop'}],'usage':{'completion_tokens':2}}",
     REASON_NONE, 1, 0},
    {"{'choices':[{'text':' a time','finish_reason':'length'}]}", REASON_ANSWER_CUT, 1, 0},
    {"{'choices':[{'text':' a time','finish_reason':'length'}]}", REASON_NONE, 1, LET_LENGTH},
    {"{'choices':[{'text':' a time','finish_reason':'content_filter'}]}", REASON_ANSWER_FILTERED, 1,
     0},
    {"{'choices':[{'text':' a time','finish_reason':null}]}", REASON_ANSWER_CUT, 1, 15},
    {"{'choices':[{'text':' a time','finish_reason':'stop'}]}", REASON_ANSWER_COUNT, 2, 0},
    {"{'choices':[{'text':'','finish_reason':'stop'}]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'choices':[{'finish_reason':'stop'}]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'choices':[{'text':' a time','finish_reason':'stop'," FILTERED "}]}", REASON_ANSWER_FILTERED,
     1, 0},
    {"{'choices':[{'text':['a'],'finish_reason':'stop'}]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'error':{'message':'no'}}", REASON_ANSWER_ERROR, 1, 15},
};

#define RESPONSE(status, output)                                                                   \
    "{'id':'resp_67','object':'response','created_at':1741476542,'status':" status                 \
    ",'output':" output                                                                            \
    ",'store':true,'usage':{'input_tokens':36,'output_tokens':87,'total_tokens':123}}"
#define COMPLETED "'completed','error':null,'incomplete_details':null"
#define MESSAGE(part)                                                                              \
    "{'type':'message','id':'msg_1','status':'completed','role':'assistant','content':[" part "]}"
#define OUTPUT_TEXT "{'type':'output_text','text':'Once upon a time','annotations':[]}"
#define REASONING "{'type':'reasoning','id':'rs_1','summary':[]}"

static const struct verdict responses[] = {
    {RESPONSE(COMPLETED, "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_NONE, 0, 0},
    {RESPONSE(COMPLETED, "[" REASONING "," MESSAGE(OUTPUT_TEXT) "]"), REASON_NONE, 0, 0},
    {RESPONSE("'completed'", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_NONE, 0, 0},
    {RESPONSE(COMPLETED,
              "[{'type':'function_call','call_id':'call_1','name':'f','arguments':'{}'}]"),
     REASON_ANSWER_TOOLS, 0, 0},
    {RESPONSE(COMPLETED,
              "[{'type':'function_call','call_id':'call_1','name':'f','arguments':'{}'}]"),
     REASON_NONE, 0, LET_TOOLS},
    {RESPONSE(COMPLETED, "[{'type':'custom_tool_call','call_id':'c','name':'f','input':'x'}]"),
     REASON_ANSWER_TOOLS, 0, 0},
    {RESPONSE(COMPLETED, "[" MESSAGE("{'type':'refusal','refusal':'I will not.'}") "]"),
     REASON_ANSWER_REFUSAL, 0, 0},
    {RESPONSE(COMPLETED, "[" MESSAGE("{'type':'refusal','refusal':'I will not.'}") "]"),
     REASON_NONE, 0, LET_REFUSAL},
    {RESPONSE(COMPLETED, "[]"), REASON_ANSWER_EMPTY, 0, 15},
    {RESPONSE(COMPLETED, "[" REASONING "]"), REASON_ANSWER_EMPTY, 0, 15},
    {RESPONSE(COMPLETED, "[" MESSAGE("") "]"), REASON_ANSWER_EMPTY, 0, 15},
    {RESPONSE(COMPLETED, "[" MESSAGE("{'type':'output_text','text':''}") "]"), REASON_ANSWER_EMPTY,
     0, 15},
    {RESPONSE("'incomplete','incomplete_details':{'reason':'max_output_tokens'}",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_CUT, 0, LET_FILTER},
    {RESPONSE("'incomplete','incomplete_details':{'reason':'max_output_tokens'}",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_NONE, 0, LET_LENGTH},
    {RESPONSE("'incomplete','incomplete_details':{'reason':'max_output_tokens'}",
              "[" REASONING "]"),
     REASON_ANSWER_EMPTY, 0, LET_LENGTH},
    {RESPONSE("'incomplete','incomplete_details':{'reason':'content_filter'}",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_FILTERED, 0, LET_LENGTH},
    {RESPONSE("'incomplete','incomplete_details':{'reason':'content_filter'}",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_NONE, 0, LET_FILTER},
    {RESPONSE("'incomplete','incomplete_details':{'reason':'bored'}", "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE("'incomplete','incomplete_details':{}", "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'incomplete'", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'completed','incomplete_details':{'reason':'max_output_tokens'}",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'in_progress'", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'queued'", "[]"), REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'cancelled'", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'failed','error':{'code':'server_error','message':'no'}", "[]"), REASON_ANSWER_ERROR,
     0, 15},
    {RESPONSE("'failed'", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_ERROR, 0, 15},
    {RESPONSE("'completed','error':{'code':'server_error'}", "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_ERROR, 0, 15},
    {RESPONSE("null", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_CUT, 0, 15},
    {RESPONSE("'done'", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE("true", "[" MESSAGE(OUTPUT_TEXT) "]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE(COMPLETED, "'text'"), REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE(COMPLETED, "{}"), REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE(COMPLETED, "['text']"), REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE(COMPLETED, "[{'type':'message','content':'text'}]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {RESPONSE(COMPLETED, "[" MESSAGE("1") "]"), REASON_ANSWER_UNKNOWN, 0, 15},
    {"{'status':'completed'}", REASON_ANSWER_UNKNOWN, 0, 15},
    /* Azure's annotations */
    {RESPONSE("'completed','content_filters':[{'blocked':false," SAFE "}]",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_NONE, 0, 0},
    {RESPONSE("'completed','content_filters':[{'blocked':true," FILTERED "}]",
              "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_FILTERED, 0, 0},
    {RESPONSE("'completed','content_filters':{}", "[" MESSAGE(OUTPUT_TEXT) "]"),
     REASON_ANSWER_UNKNOWN, 0, 15},
};

static const struct verdict embeddings[] = {
    {"{'object':'list','data':[{'object':'embedding','index':0,'embedding':[-0.01,2e-3]},"
     "{'object':'embedding','index':1,'embedding':[1,0]}],'model':'text-embedding-3-small',"
     "'usage':{'prompt_tokens':5,'total_tokens':5}}",
     REASON_NONE, 2, 0},
    {"{'data':[{'embedding':'AACAPwAAAEA='}]}", REASON_NONE, 1, 0},
    {"{'data':[{'embedding':[0.5]}]}", REASON_NONE, 0, 0},
    {"{'data':[{'embedding':[0.5]}]}", REASON_ANSWER_COUNT, 2, 15},
    {"{'data':[{'embedding':[0.5]},{'embedding':[0.5]}]}", REASON_ANSWER_COUNT, 1, 15},
    {"{'data':[]}", REASON_ANSWER_EMPTY, 0, 15},
    {"{'data':[]}", REASON_ANSWER_COUNT, 1, 15},
    {"{'data':[{'embedding':[]}]}", REASON_ANSWER_EMPTY, 1, 15},
    {"{'data':[{'embedding':[0.5]},{'embedding':''}]}", REASON_ANSWER_EMPTY, 2, 15},
    {"{'data':[{'embedding':null}]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'data':[{'embedding':[0.5,null]}]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'data':[{'embedding':[[0.5]]}]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'data':[{'embedding':{}}]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'data':[[0.5]]}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'data':'AACAPw=='}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'data':{'embedding':[0.5]}}", REASON_ANSWER_UNKNOWN, 1, 15},
    {"{'error':{'message':'no'},'data':[{'embedding':[0.5]}]}", REASON_ANSWER_ERROR, 1, 15},
};

#endif
